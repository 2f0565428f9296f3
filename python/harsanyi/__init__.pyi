# The public names for type checkers; __init__.py resolves the same ones lazily, and a test compares the two.
from harsanyi import (
    analysis as analysis,
    config as config,
    errors as errors,
    games as games,
    lattice as lattice,
    ops as ops,
    plot as plot,
    subsets as subsets,
    training as training,
)
from harsanyi.analysis.decay import (
    decay as decay,
)
from harsanyi.config import (
    build_config as build_config,
    get_cmake_dir as get_cmake_dir,
    get_include as get_include,
    get_num_threads as get_num_threads,
    set_isa as set_isa,
    set_num_threads as set_num_threads,
)
from harsanyi.errors import (
    ArgumentError as ArgumentError,
    ArgumentTypeError as ArgumentTypeError,
    HarsanyiError as HarsanyiError,
    MissingDependencyError as MissingDependencyError,
    NonFiniteError as NonFiniteError,
    NotEnoughMemoryError as NotEnoughMemoryError,
    RecordError as RecordError,
)
from harsanyi.explanation import (
    Explanation as Explanation,
    Interaction as Interaction,
    SparsePair as SparsePair,
    explain as explain,
)
from harsanyi.games import attacks as attacks, maskers as maskers, outputs as outputs
from harsanyi.games.evaluate import (
    evaluate as evaluate,
)
from harsanyi.games.game import (
    CallableGame as CallableGame,
    Game as Game,
    ModelGame as ModelGame,
    TableGame as TableGame,
)
from harsanyi.indices import (
    banzhaf_interactions as banzhaf_interactions,
    banzhaf_values as banzhaf_values,
    dividends as dividends,
    faithful_banzhaf as faithful_banzhaf,
    faithful_shapley as faithful_shapley,
    k_shapley as k_shapley,
    shapley_interactions as shapley_interactions,
    shapley_taylor as shapley_taylor,
    shapley_values as shapley_values,
)
from harsanyi.lattice import (
    kronecker as kronecker,
    mobius as mobius,
    or_inverse as or_inverse,
    or_transform as or_transform,
    superset_mobius as superset_mobius,
    superset_zeta as superset_zeta,
    walsh_hadamard as walsh_hadamard,
    zeta as zeta,
)
from harsanyi.pairwise import (
    multi_order as multi_order,
    multi_order_from_interactions as multi_order_from_interactions,
)
from harsanyi.reductions import (
    OrderSums as OrderSums,
    reduce_orders as reduce_orders,
)
from harsanyi.sampling import (
    sample_masks as sample_masks,
    sample_subsets as sample_subsets,
)
from harsanyi.sparse import (
    Decomposition as Decomposition,
    decompose as decompose,
)
from harsanyi.subgradient import (
    FirstOrderRun as FirstOrderRun,
    first_order as first_order,
)
from harsanyi.subsets import (
    all_subsets as all_subsets,
    masks_to_subsets as masks_to_subsets,
    orders as orders,
    players_of as players_of,
    rank_subsets as rank_subsets,
    subsets_of_order as subsets_of_order,
    subsets_to_masks as subsets_to_masks,
    subsets_up_to_order as subsets_up_to_order,
    unrank_subsets as unrank_subsets,
)

__version__: str
__all__: list[str]
