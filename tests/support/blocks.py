"""Random chunks and orders of merges, for tests."""

import itertools

import numpy as np

import skanrs


def random_chunks(random, shape):
    """Ragged chunks: for each axis the lengths of its blocks."""
    chunks = []
    for length in shape:
        cuts = random.integers(0, length + 1, random.integers(0, 4))
        bounds = sorted({0, length, *cuts.tolist()})
        chunks.append(tuple(int(b - a) for a, b in itertools.pairwise(bounds)) or (0,))
    return tuple(chunks)


def chunk_graphs(image, chunks, **options):
    """The chunk graphs of all blocks of an image."""
    return [
        skanrs.chunk_graph(block, offset=offset, shape=image.shape, **options)
        for block, offset in skanrs.iter_blocks(image, chunks=chunks)
    ]


def merge_at_random(random, graphs):
    """Merge random groups, touching or not, until one graph is left."""
    graphs = list(graphs)
    while len(graphs) > 1:
        random.shuffle(graphs)
        group = int(random.integers(2, 5))
        graphs[:group] = [skanrs.merge_chunks(graphs[:group])]
    return graphs[0]


def assert_same_table(ours, theirs):
    """Equal in columns, index, dtypes and every bit."""
    assert list(ours) == list(theirs)
    assert ours.index.equals(theirs.index)
    for name in theirs:
        one, other = ours[name].to_numpy(), theirs[name].to_numpy()
        assert one.dtype == other.dtype, name
        assert one.tobytes() == other.tobytes(), name


def assert_chords_are_no_longer_than_paths(table):
    """A table of wrongly merged blocks does not satisfy this."""
    length = table['branch_distance'].to_numpy()
    assert (table['euclidean_distance'].to_numpy() <= length * (1 + 1e-12) + 1e-12).all()


def random_walks(random, shape, count, steps):
    """Winding lines that cross, touch and close: few voxels, long branches."""
    image = np.zeros(shape, dtype=bool)
    for _ in range(count):
        at = random.integers(0, shape)
        for _ in range(steps):
            image[tuple(at)] = True
            at = np.clip(at + random.integers(-1, 2, len(shape)), 0, np.array(shape) - 1)
    return image
