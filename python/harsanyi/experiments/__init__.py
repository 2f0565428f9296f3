"""Data, networks and training for the demo, and the papers' findings as experiments on them.

`findings` lists the findings, `finding` says what one is and how to write one, `runner` runs it. Under them
lie `data`, `networks`, `fit`, `checkpoints` (training), `players` and `values` (games), `pairs` (sparse
AND-OR pairs), `setups` (what findings share) and `cache`. The modules import torch or the data packages; this
package and the list of findings import none of them.
"""
