# The public names for type checkers; __init__.py resolves the same ones lazily, and a test compares the two.
from harsanyi import config as config
from harsanyi import errors as errors
from harsanyi import games as games
from harsanyi import lattice as lattice
from harsanyi import ops as ops
from harsanyi import plot as plot
from harsanyi import subsets as subsets
from harsanyi.config import (
    build_config as build_config,
)
from harsanyi.config import (
    get_cmake_dir as get_cmake_dir,
)
from harsanyi.config import (
    get_include as get_include,
)
from harsanyi.config import (
    get_num_threads as get_num_threads,
)
from harsanyi.config import (
    set_isa as set_isa,
)
from harsanyi.config import (
    set_num_threads as set_num_threads,
)
from harsanyi.errors import (
    ArgumentError as ArgumentError,
)
from harsanyi.errors import (
    ArgumentTypeError as ArgumentTypeError,
)
from harsanyi.errors import (
    HarsanyiError as HarsanyiError,
)
from harsanyi.errors import (
    MissingDependencyError as MissingDependencyError,
)
from harsanyi.errors import (
    NonFiniteError as NonFiniteError,
)
from harsanyi.errors import (
    NotEnoughMemoryError as NotEnoughMemoryError,
)
from harsanyi.errors import (
    RecordError as RecordError,
)
from harsanyi.explanation import (
    Explanation as Explanation,
)
from harsanyi.explanation import (
    Interaction as Interaction,
)
from harsanyi.explanation import (
    SparsePair as SparsePair,
)
from harsanyi.explanation import (
    explain as explain,
)
from harsanyi.games import maskers as maskers
from harsanyi.games import outputs as outputs
from harsanyi.games.evaluate import (
    evaluate as evaluate,
)
from harsanyi.games.game import (
    CallableGame as CallableGame,
)
from harsanyi.games.game import (
    Game as Game,
)
from harsanyi.games.game import (
    ModelGame as ModelGame,
)
from harsanyi.games.game import (
    TableGame as TableGame,
)
from harsanyi.indices import (
    banzhaf_interactions as banzhaf_interactions,
)
from harsanyi.indices import (
    banzhaf_values as banzhaf_values,
)
from harsanyi.indices import (
    dividends as dividends,
)
from harsanyi.indices import (
    faithful_banzhaf as faithful_banzhaf,
)
from harsanyi.indices import (
    faithful_shapley as faithful_shapley,
)
from harsanyi.indices import (
    k_shapley as k_shapley,
)
from harsanyi.indices import (
    shapley_interactions as shapley_interactions,
)
from harsanyi.indices import (
    shapley_taylor as shapley_taylor,
)
from harsanyi.indices import (
    shapley_values as shapley_values,
)
from harsanyi.lattice import (
    kronecker as kronecker,
)
from harsanyi.lattice import (
    mobius as mobius,
)
from harsanyi.lattice import (
    or_inverse as or_inverse,
)
from harsanyi.lattice import (
    or_transform as or_transform,
)
from harsanyi.lattice import (
    superset_mobius as superset_mobius,
)
from harsanyi.lattice import (
    superset_zeta as superset_zeta,
)
from harsanyi.lattice import (
    walsh_hadamard as walsh_hadamard,
)
from harsanyi.lattice import (
    zeta as zeta,
)
from harsanyi.reductions import (
    OrderSums as OrderSums,
)
from harsanyi.reductions import (
    reduce_orders as reduce_orders,
)
from harsanyi.sampling import (
    sample_masks as sample_masks,
)
from harsanyi.sampling import (
    sample_subsets as sample_subsets,
)
from harsanyi.subsets import (
    all_subsets as all_subsets,
)
from harsanyi.subsets import (
    masks_to_subsets as masks_to_subsets,
)
from harsanyi.subsets import (
    orders as orders,
)
from harsanyi.subsets import (
    players_of as players_of,
)
from harsanyi.subsets import (
    rank_subsets as rank_subsets,
)
from harsanyi.subsets import (
    subsets_of_order as subsets_of_order,
)
from harsanyi.subsets import (
    subsets_to_masks as subsets_to_masks,
)
from harsanyi.subsets import (
    subsets_up_to_order as subsets_up_to_order,
)
from harsanyi.subsets import (
    unrank_subsets as unrank_subsets,
)

__version__: str
__all__: list[str]
