"""Every public name of skan exists, with its signature, defaults and dtypes."""

import importlib
import inspect
from importlib import metadata, resources

import numpy as np
import pytest
import skan._testdata
import skan.csr
import yaml

import skanrs
import skanrs._testdata
import skanrs.csr

MODULES = [
    'csr', 'draw', 'image_stats', 'io', 'nputil', 'pipe', 'pre', 'summary_utils', '_testdata',
]  # fmt: skip
# What skan's own tests and its users reach for.
PRIVATE = {
    'csr': [
        '_build_skeleton_path_graph', '_extract_values', '_fast_graph_center_idx', '_merge_edges',
        '_merge_paths', '_mst_junctions', '_normalize_shells', '_remove_simple_path_nodes',
        '_simplify_graph', '_weighted_abs_diff', '_write_pixel_graph', '_write_pixel_graph_height',
    ],
    'pipe': ['_get_scale'],
    'io': ['_params_dict_to_dataframe'],
    'nputil': ['_raveled_offsets_and_distances'],
    '_testdata': ['_generate_random_skeleton'],
}  # fmt: skip
# Types of numba's, and a switch of Python's.
NOT_REPRODUCED = {'annotations', 'csr_spec_float', 'csr_spec_bool'}


def public_names(module):
    """Functions, classes and constants that a module defines, without its imports."""
    for name, value in vars(module).items():
        if name.startswith('_') or name in NOT_REPRODUCED or inspect.ismodule(value):
            continue
        home = getattr(value, '__module__', module.__name__)
        if home in (module.__name__, None) or not (callable(value) or inspect.isclass(value)):
            yield name


def names():
    for module in MODULES:
        theirs = importlib.import_module(f'skan.{module}')
        for name in [*public_names(theirs), *PRIVATE.get(module, [])]:
            if not isinstance(getattr(theirs, name), (type(np.float64), type(list[int]))):
                yield module, name


@pytest.mark.parametrize(('module', 'name'), [*names()])
@pytest.mark.filterwarnings('ignore::DeprecationWarning')
def test_every_name_exists_with_its_signature(module, name):
    theirs = getattr(importlib.import_module(f'skan.{module}'), name)
    ours = getattr(importlib.import_module(f'skanrs.{module}'), name)
    if inspect.isclass(theirs):
        assert inspect.isclass(ours)
        for attribute, value in vars(theirs).items():
            if not attribute.startswith('__') and not attribute.startswith('_numba'):
                assert hasattr(ours, attribute) or attribute in fields(ours), attribute
                if inspect.isfunction(value):
                    assert_extends(getattr(ours, attribute), value)
        if inspect.isfunction(vars(theirs).get('__init__')):
            assert_extends(ours.__init__, theirs.__init__)
    elif callable(theirs):
        assert_extends(ours, getattr(theirs, 'py_func', theirs))
    else:
        assert type(ours) is type(theirs)
        if isinstance(theirs, np.ndarray):
            assert ours.dtype == theirs.dtype
            np.testing.assert_array_equal(ours, theirs)


def fields(cls):
    return getattr(cls, '__dataclass_fields__', {})


def assert_extends(ours, theirs):
    """The same parameters, kinds and defaults; new ones are keyword-only and have a default."""
    try:
        ours, theirs = inspect.signature(ours).parameters, inspect.signature(theirs).parameters
    except ValueError:
        assert callable(ours)
        return
    for parameter in theirs.values():
        assert parameter.name in ours
        assert ours[parameter.name].kind == parameter.kind
        assert repr(ours[parameter.name].default) == repr(parameter.default)
    kept = [name for name in ours if name in theirs]
    assert kept == list(theirs)
    for name in set(ours) - set(theirs):
        assert ours[name].kind in (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
        assert ours[name].default is not inspect.Parameter.empty


def test_top_level_names():
    assert set(skan.__all__) <= set(skanrs.__all__)
    assert skanrs.Skeleton is skanrs.csr.Skeleton


@pytest.mark.parametrize('dtype', [bool, np.uint8, np.float32, np.float64])
def test_attributes_of_a_skeleton(dtype):
    image = skan._testdata.skeletonlabel.astype(dtype)
    ours, theirs = skanrs.Skeleton(image), skan.Skeleton(image)
    ours.path_lengths(), theirs.path_lengths()
    for name, value in vars(theirs).items():
        mine = getattr(ours, name)
        if isinstance(value, np.ndarray):
            assert mine.dtype == value.dtype
            np.testing.assert_array_equal(mine, value)
        elif not hasattr(value, '_numba_type_') and name != 'nbgraph':
            assert type(mine) is type(value), name


def test_former_names():
    with pytest.warns(DeprecationWarning, match=r'skanrs\.csr\.skeleton_to_csgraph'):
        assert skanrs.skeleton_to_csgraph is skanrs.csr.skeleton_to_csgraph
    with pytest.warns(DeprecationWarning, match='lee'):
        thin = skanrs.skeletonize_3d
    image = np.ones((5, 9), dtype=bool)
    np.testing.assert_array_equal(thin(image), skanrs.skeletonize(image, method='lee'))
    for module in (skanrs, skanrs.csr):
        for name in ('summarise', 'branch_statistics'):
            with pytest.raises(AttributeError, match=r'write summarize\(Skeleton\('):
                getattr(module, name)
    with pytest.raises(AttributeError, match=r"no attribute 'nonsense'$"):
        skanrs.nonsense  # noqa: B018


def test_the_napari_manifest_is_shipped_and_found():
    ours = resources.files('skanrs').joinpath('napari.yaml').read_text().replace('skanrs', 'skan')
    ours = yaml.safe_load(ours)['contributions']
    (entry,) = metadata.entry_points(group='napari.manifest', name='skanrs')
    assert entry.value == 'skanrs:napari.yaml'
    theirs = resources.files('skan').joinpath('napari.yaml').read_text()
    theirs = yaml.safe_load(theirs)['contributions']
    for kind, contributed in theirs.items():
        assert [each for each in ours[kind] if each in contributed] == contributed, kind
    added = [each['display_name'] for each in ours['widgets'] if each not in theirs['widgets']]
    assert added == ['Measure Network']


def test_a_skeleton_whose_attributes_are_overwritten():
    """A script of 2021 fills a dummy skeleton with a graph built elsewhere."""
    image = skan._testdata.skeleton2
    whole = skanrs.Skeleton(image, spacing=0.5)
    dummy = np.zeros((4, 4), dtype=bool)
    dummy[1, 1] = dummy[2, 2] = True
    skeleton = skanrs.Skeleton(dummy)
    names = ['skeleton_image', 'source_image', 'spacing', 'graph', 'degrees', 'nbgraph',
             'coordinates', 'paths', 'n_paths']  # fmt: skip
    for name in names:
        setattr(skeleton, name, getattr(whole, name))
    skeleton.distances = np.empty(whole.n_paths)
    skeleton._distances_initialized = False
    np.testing.assert_array_equal(skeleton.path_lengths(), whole.path_lengths())
    table = skanrs.summarize(skeleton, separator='_')
    assert table.equals(skanrs.summarize(whole, separator='_'))
    graph = skanrs.csr.PathGraph.from_graph(
        adj=whole.graph, node_coordinates=whole.coordinates, spacing=0.5
    )
    assert skanrs.summarize(graph, separator='_').equals(table)
