"""The calls that are timed, by the same names on every side; each import stands where it is used.

`prepare` loads the input and touches its memory, `call` is what is timed, `digest` says what came
out, so that equal results can be told from similar ones.
"""

import hashlib
from importlib import metadata

import numpy as np

# What each side can do, and the distributions whose versions are printed.
SIDES = {
    'skanrs': ('skeletonize', 'table'),
    'scikit-image': ('skeletonize',),
    'skan': ('table',),
    'gaara': ('skeletonize',),
    'itk-thickness3d': ('skeletonize',),
}


def versions(side):
    names = {side, 'numpy', 'pandas'} | ({'numba'} if side == 'skan' else set())
    return {name: metadata.version(name) for name in sorted(names)}


def installed(side):
    try:
        metadata.version(side)
    except metadata.PackageNotFoundError:
        return False
    return True


def prepare(side, work, path, threads):
    """Return the function to time, with its input in memory."""
    image = np.load(path)
    if side == 'skanrs':
        import skanrs

        skanrs.set_num_threads(threads)
        if work == 'skeletonize':
            return lambda: skanrs.skeletonize(image)
        return lambda: skanrs.summarize(skanrs.Skeleton(image), separator='_')
    if side == 'scikit-image':
        from skimage.morphology import skeletonize

        return lambda: skeletonize(image)
    if side == 'skan':
        import skan

        return lambda: skan.summarize(skan.Skeleton(image), separator='_')
    if side == 'gaara':
        import gaara

        image = image.view(np.uint8)
        return lambda: gaara.thin(image, binary_image=True, threads=threads)
    import itk

    image = itk.image_from_array(image.view(np.uint8))
    itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
    return lambda: itk.array_from_image(itk.binary_thinning_image_filter3_d(image))


def warm_up(side, work, path, threads):
    """Compile, import and start threads on a small corner of the input."""
    small = np.ascontiguousarray(np.load(path, mmap_mode='r')[:48, :48, :48])
    np.save(f'{path}.{side}.small.npy', small)
    prepare(side, work, f'{path}.{side}.small.npy', threads)()


def digest(result):
    if isinstance(result, np.ndarray):
        voxels = np.flatnonzero(result)
        return f'{len(voxels):,} voxels', hashlib.sha256(voxels.tobytes()).hexdigest()
    columns = [result[name].to_numpy() for name in result.columns]
    content = b''.join(np.ascontiguousarray(column).tobytes() for column in columns)
    return f'{len(result):,} branches', hashlib.sha256(content).hexdigest()
