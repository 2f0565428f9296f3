"""Benchmarks: one table of cases for `harsanyi bench` and for the pytest-benchmark suites under bench/.

`case` says what a case is and `cases` holds the table (its entries are made in `lattice_cases`, `model_cases`
and `decompose_cases`, the latter from `games` and `solvers`), `peers` what they are measured beside, `timing`
the measuring, `children` what needs a process of its own, `machine` the facts about the machine, `report` the
tables and the JSON document, `gap_figure` the picture of the decomposition.
"""
