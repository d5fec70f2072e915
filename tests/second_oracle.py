"""Compare 3D thinning with a second, independent implementation: ITK's BinaryThinning3D.

ITK's filter and scikit-image's function go back to one paper but share no code. They agree voxel
for voxel, but for images whose first axis has length one: there scikit-image looks at four of the
six borders, and skanrs does as scikit-image does. Both are checked.

Usage: python tests/second_oracle.py PYTHON_WITH_ITK [seed]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from images import DATA, blobs

import skanrs


def by_itk(python: str, images: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return the skeletons of all images, by name."""
    with tempfile.TemporaryDirectory() as folder:
        there, back = Path(folder, 'images.npz'), Path(folder, 'skeletons.npz')
        np.savez_compressed(there, **images)
        worker = Path(__file__).with_name('itk_thinning.py')
        subprocess.run([python, worker, there, back], check=True)
        with np.load(back) as skeletons:
            return {name: skeletons[name] for name in skeletons}


def all_images_of_2x3x3() -> np.ndarray:
    """Return all 2**18 images of that shape, each in a field of its own."""
    images = (np.arange(2**18)[:, np.newaxis] >> np.arange(18) & 1).astype(bool)
    field = np.zeros((64, 64, 64, 4, 4, 4), dtype=bool)
    field[..., :2, :3, :3] = images.reshape(64, 64, 64, 2, 3, 3)
    return field.transpose(0, 3, 1, 4, 2, 5).reshape(256, 256, 256)


def images(seed: int) -> dict[str, np.ndarray]:
    """Return random, solid, exhaustive and, where they are, real images."""
    random = np.random.default_rng(seed)
    made = {'all 2x3x3': all_images_of_2x3x3()}
    for count in range(300):
        shape = tuple(random.integers(2, 28, 3))
        density = random.choice([0.2, 0.5, 0.8, 0.95])
        made[f'noise {count}'] = random.random(shape) < density
        made[f'blobs {count}'] = blobs(shape, random, random.uniform(0.7, 3))
    for radius in (5, 6, 12, 20):
        axes = np.ogrid[tuple(slice(-radius, radius + 1) for _ in range(3))]
        made[f'ball {radius}'] = sum(axis**2 for axis in axes) < radius**2
    for path in sorted(DATA.glob('*.npz')):
        made[path.stem] = np.load(path)['image']
    return made


def main() -> int:
    """Compare and say what was compared; the exit status is 1 where something differs."""
    python = sys.argv[1]
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    made = images(seed)
    differ = {}
    for name, theirs in by_itk(python, made).items():
        wrong = np.count_nonzero(skanrs.skeletonize(made[name]) != theirs)
        if wrong:
            differ[name] = wrong
    voxels = sum(int(np.count_nonzero(image)) for image in made.values())
    print(f'{len(made)} images, {voxels:,} voxels of foreground, seed {seed}')
    for name, wrong in differ.items():
        print(f'{name}: {wrong} voxels differ from ITK')
    random = np.random.default_rng(seed)
    planes = {f'plane {at}': blobs((1, 20, 20), random, 1.0) for at in range(60)}
    flat = sum(
        not np.array_equal(skanrs.skeletonize(planes[name], method='lee'), theirs)
        for name, theirs in by_itk(python, planes).items()
    )
    print(f'one plane: {flat} of {len(planes)} images differ, as scikit-image does from ITK')
    if differ or not flat:
        return 1
    print('equal to ITK in all of the rest')
    return 0


if __name__ == '__main__':
    sys.exit(main())
