"""The calls that are timed, by the same names on every side; each import stands where it is used.

`prepare` loads the input and touches its memory, `call` is what is timed, `digest` says what came
out, so that equal results can be told from similar ones.
"""

import hashlib
from importlib import metadata

import numpy as np

# The distributions that each side needs; their versions are printed.
SIDES = {
    'skanrs': ('skanrs', 'dask'),
    'loop with skanrs': ('skanrs',),
    'scikit-image': ('scikit-image',),
    'scipy': ('scipy',),
    'copy': ('numpy',),
    'skan': ('skan', 'numba'),
    'scikit-image + skan': ('scikit-image', 'skan', 'numba'),
    'dask blog': ('scikit-image', 'skan', 'numba', 'dask'),
    'gaara': ('gaara',),
    'itk-thickness3d': ('itk-thickness3d',),
    'kimimaro': ('kimimaro',),
}
CHUNK = 250


def versions(side):
    names = {*SIDES[side], 'numpy', 'pandas'}
    return {name: metadata.version(name) for name in sorted(names)}


def installed(side):
    try:
        versions(side)
    except metadata.PackageNotFoundError:
        return False
    return True


def prepare(side, work, path, threads):
    """Return the function to time, with its input in memory."""
    image = np.load(path)
    return {
        'skanrs': _skanrs,
        'loop with skanrs': _loop_with_skanrs,
        'scikit-image': _scikit_image,
        'scipy': _scipy,
        'copy': _copy,
        'skan': _skan,
        'scikit-image + skan': _scikit_image_and_skan,
        'dask blog': _blog,
        'gaara': _gaara,
        'itk-thickness3d': _itk,
        'kimimaro': _kimimaro,
    }[side](image, work, threads)


def _skanrs(image, work, threads):
    import skanrs

    skanrs.set_num_threads(threads)
    if work in ('lee', 'zhang'):
        return lambda: skanrs.skeletonize(image, method=work)
    if work == 'gaussian':
        image = image.astype(np.float32)
        return lambda: skanrs.gaussian(image, 1)
    if work == 'otsu':
        image = image.astype(np.float32)
        return lambda: skanrs.otsu(image)
    if work == 'table':
        return lambda: skanrs.summarize(skanrs.Skeleton(image), separator='_')
    if work == 'labels':
        return lambda: skanrs.skeletonize(image, labels=True)
    if work == 'labels to table':
        thin = skanrs.skeletonize
        table = skanrs.summarize
        return lambda: table(thin(image, labels=True), labels=True, separator='_')[OF_LABELS]
    if work == 'mask to table':
        skeleton = skanrs.skeletonize
        return lambda: skanrs.summarize(skanrs.Skeleton(skeleton(image)), separator='_')
    import dask

    # As many tasks at a time as threads, each task with one.
    skanrs.set_num_threads(1)
    mask = _in_chunks(image, 256 if work == 'labels in chunks' else CHUNK)

    def chunked():
        with dask.config.set(scheduler='threads', num_workers=threads):
            if work == 'labels in chunks':
                return skanrs.skeletonize(mask, labels=True).compute()
            return skanrs.summarize(skanrs.skeletonize(mask), separator='_').compute()

    return chunked


OF_LABELS = ['label', 'branch_distance', 'branch_type', 'euclidean_distance']
"""Columns that do not depend on where a label was cut out."""


def _crops(labels):
    """Cut out each label as people do; with planes around, so that borders are thinned alike."""
    from scipy import ndimage

    for label, box in enumerate(ndimage.find_objects(labels), 1):
        if box is not None:
            yield label, box, np.pad(labels[box] == label, 1)


def _loop_with_skanrs(labels, work, threads):
    import skanrs

    skanrs.set_num_threads(threads)

    def loop():
        skeleton = np.zeros_like(labels)
        for label, box, alone in _crops(labels):
            thinned = skanrs.skeletonize(alone)[1:-1, 1:-1, 1:-1]
            skeleton[box][thinned] = label
        return skeleton

    return loop


def _in_chunks(image, side=CHUNK):
    """Make the input of what takes dask arrays: that copies the image, so it is not timed."""
    import dask.array as da

    # Without name=False dask would read the whole image to name the array after it.
    return da.from_array(image, chunks=side, name=False)


def _scipy(image, work, threads):
    from scipy.ndimage import gaussian_filter

    image = image.astype(np.float32)
    return lambda: gaussian_filter(image, 1)


def _copy(image, work, threads):
    image = image.astype(np.float32)
    return lambda: image.copy()


def _scikit_image(image, work, threads):
    if work == 'otsu':
        from skimage.filters import threshold_otsu

        image = image.astype(np.float32)
        return lambda: threshold_otsu(image)
    from skimage.morphology import skeletonize

    return lambda: skeletonize(image, method=work)


def _skan(image, work, threads):
    import skan

    return lambda: skan.summarize(skan.Skeleton(image), separator='_')


def _scikit_image_and_skan(image, work, threads):
    import pandas as pd
    import skan
    from skimage.morphology import skeletonize

    if work == 'mask to table':
        return lambda: skan.summarize(skan.Skeleton(skeletonize(image)), separator='_')

    def loop():
        tables = []
        for label, _, alone in _crops(image):
            skeleton = skeletonize(alone)
            # skan makes no table without a branch.
            if np.count_nonzero(skeleton) > 1:
                table = skan.summarize(skan.Skeleton(skeleton), separator='_')
                tables.append(table.assign(label=np.full(len(table), label, image.dtype)))
        return pd.concat(tables, ignore_index=True)[OF_LABELS]

    return loop


def _blog(image, work, threads):
    """What people write today: thin blocks with overlap, make a table of each, drop doubles."""
    import dask
    import dask.array as da
    import pandas as pd
    import skan
    from skimage.morphology import skeletonize

    def table(block, offset):
        if not block.any():
            return None
        try:
            rows = skan.summarize(skan.Skeleton(block), separator='_')
        except ValueError:  # skan, on isolated voxels only
            return None
        for axis, start in enumerate(offset):
            rows[[f'image_coord_src_{axis}', f'image_coord_dst_{axis}']] += start
        return rows

    mask = _in_chunks(image)

    def workflow():
        skeleton = mask.map_overlap(skeletonize, depth=1, boundary=False, dtype=bool)
        with dask.config.set(scheduler='threads', num_workers=threads):
            skeleton = skeleton.persist()
            blocks = da.overlap.overlap(skeleton, depth=1, boundary='none').to_delayed()
            starts = [np.cumsum([0, *lengths[:-1]]) for lengths in skeleton.chunks]
            tables = dask.compute(
                *[
                    dask.delayed(table)(
                        blocks[index], [max(starts[a][i] - 1, 0) for a, i in enumerate(index)]
                    )
                    for index in np.ndindex(*skeleton.numblocks)
                ]
            )
        ends = [f'image_coord_{end}_{axis}' for end in ('src', 'dst') for axis in range(3)]
        glued = pd.concat([rows for rows in tables if rows is not None], ignore_index=True)
        return glued.drop_duplicates([*ends, 'branch_distance'])

    return workflow


def _gaara(image, work, threads):
    import gaara

    image = image.view(np.uint8)
    return lambda: gaara.thin(image, binary_image=True, threads=threads)


def _itk(image, work, threads):
    import itk

    image = itk.image_from_array(image.view(np.uint8))
    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
    return lambda: itk.array_from_image(itk.binary_thinning_image_filter3_d(image))


def _kimimaro(image, work, threads):
    import kimimaro

    if work == 'labels':
        # The parameters of its README.
        parameters = {
            'scale': 1.5,
            'const': 300,
            'pdrf_scale': 100000,
            'pdrf_exponent': 4,
            'soma_acceptance_threshold': 3500,
            'soma_detection_threshold': 750,
            'soma_invalidation_const': 300,
            'soma_invalidation_scale': 2,
            'max_paths': 300,
        }
        return lambda: kimimaro.skeletonize(
            image, teasar_params=parameters, dust_threshold=1000, anisotropy=(16, 16, 40),
            progress=False, parallel=1,
        )  # fmt: skip
    labels = image.view(np.uint8)
    # In-process: its workers copy the volume, and its results are curves, not voxels.
    return lambda: kimimaro.skeletonize(
        labels, anisotropy=(1, 1, 1), dust_threshold=0, fix_branching=False, progress=False,
        parallel=1,
    )  # fmt: skip


def warm_up(side, work, path, threads):
    """Compile, import and start threads on a small corner of the input."""
    whole = np.load(path, mmap_mode='r')
    small = np.array(whole[tuple(slice(48) for _ in whole.shape)])
    # Something to thin and a branch to measure, whatever the corner has.
    small[tuple(slice(20, 24) for _ in small.shape)] = True
    small[..., 30, 5:40] = True
    np.save(f'{path}.small.npy', small)
    prepare(side, work, f'{path}.small.npy', threads)()


def digest(result):
    if isinstance(result, dict):
        vertices = sum(len(skeleton.vertices) for skeleton in result.values())
        return f'{vertices:,} vertices', 'curves'
    if isinstance(result, float | np.floating):
        return f'{result:.6g}', float(result).hex()
    if isinstance(result, np.ndarray) and result.dtype == np.float32:
        return f'mean {result.mean():.6g}', hashlib.sha256(result.tobytes()).hexdigest()
    if isinstance(result, np.ndarray):
        voxels = np.flatnonzero(result)
        content = hashlib.sha256(voxels.tobytes())
        values = result.reshape(-1)[voxels]
        if values.size and values.max() > 1:
            content.update(values.tobytes())
        return f'{len(voxels):,} voxels', content.hexdigest()
    columns = [result[name].to_numpy() for name in result.columns]
    content = b''.join(np.ascontiguousarray(column).tobytes() for column in columns)
    return f'{len(result):,} branches', hashlib.sha256(content).hexdigest()
