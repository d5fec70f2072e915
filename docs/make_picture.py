"""Draw docs/images/lungs.png, the README's picture: two generated lungs and their branches."""

from pathlib import Path

from matplotlib.collections import LineCollection
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from PIL import Image

import skanrs
from skanrs.datasets import lung
from skanrs.threshold import mask_of, smooth

PICTURE = Path(__file__).parent / 'images' / 'lungs.png'


def main():
    figure = Figure(figsize=(9.4, 5.6), layout='constrained', facecolor='black')
    axes = figure.subplots(2, 2, gridspec_kw={'height_ratios': [205, 130]})
    for row, kind, bottom in zip(axes, ('healthy', 'hernia'), (218, 138), strict=True):
        image, spacing, _ = lung(kind)
        mask, _ = mask_of(smooth(image, 0.7), 'otsu')
        graph = skanrs.Skeleton(skanrs.skeletonize(mask), spacing=spacing)
        table = skanrs.summarize(graph, separator='_')
        row[0].imshow(image.max(axis=1), cmap='gray', vmin=50, vmax=230)
        lines = [graph.path_coordinates(index)[:, [2, 0]] for index in range(graph.n_paths)]
        length = table['branch_distance'].to_numpy()
        drawn = LineCollection(
            lines, array=length, cmap='plasma', norm=LogNorm(3, 60), linewidths=0.9
        )
        row[1].add_collection(drawn)
        row[1].set_aspect('equal')
        row[0].set_title(f'{kind}: gray image, brightest along y', color='white', fontsize=10)
        row[1].set_title(
            f'{len(table):,} branches, {length.sum() / 1000:.1f} mm in total',
            color='white', fontsize=10,
        )  # fmt: skip
        for axis in row:
            axis.set(xlim=(0, 256), ylim=(bottom, 0))
            axis.set_axis_off()
    bar = figure.colorbar(drawn, ax=axes[:, 1], label='length of a branch (µm)', shrink=0.8)
    bar.ax.yaxis.label.set_color('white')
    bar.ax.tick_params(colors='white', which='both')
    bar.set_ticks([3, 10, 30, 60], labels=['3', '10', '30', '60'])
    bar.minorticks_off()
    figure.savefig(PICTURE, dpi=85, pil_kwargs={'optimize': True})
    # A quarter of the bytes, and nothing that the eye would miss.
    Image.open(PICTURE).convert('RGB').quantize(224).save(PICTURE, optimize=True)
    print(f'{PICTURE}: {PICTURE.stat().st_size // 1000} KB')


main()
