"""Longest paths of skeletons by kimimaro; `accuracy.py` runs this with the Python that has it.

Arguments: a file .npz with masks ``mask_0``, ``spacing_0``, … to read, and one for the paths.
"""

import sys

import kimimaro
import numpy as np

# Of TEASAR, in units of the spacing: what a path invalidates is a ball of `scale` radii + `const`.
OPTIONS = {'scale': 1.5, 'const': 5}


def main():
    source, target = sys.argv[1:]
    found = {}
    with np.load(source) as file:
        for at in range(len(file.files) // 2):
            mask, spacing = file[f'mask_{at}'], file[f'spacing_{at}']
            skeletons = kimimaro.skeletonize(
                np.asfortranarray(mask.astype(np.uint8)),
                teasar_params=OPTIONS,
                anisotropy=tuple(spacing.tolist()),
                dust_threshold=0,
                progress=False,
            )
            paths = [path for one in skeletons.values() for path in one.paths()]
            lengths = [np.linalg.norm(np.diff(path, axis=0), axis=1).sum() for path in paths]
            found[f'path_{at}'] = paths[int(np.argmax(lengths))]
    np.savez(target, **found)


if __name__ == '__main__':
    main()
