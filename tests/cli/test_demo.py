"""The command `skanrs demo`."""

import re

from command import run

from skanrs.cli import main


def test_demo(empty_folder, capfd):
    run('demo', '--shape', 64, '--folder', 'out')
    said = capfd.readouterr().out
    assert said.count('$ skanrs analyze ') == 2
    assert re.search(r'^total length \(µm\) +[\d,.]+ +[\d,.]+ +0\.\d\d$', said, re.MULTILINE)
    names = {path.name for path in (empty_folder / 'out').iterdir()}
    ends = ('.npz', '.csv', '_skeleton.npz', '_summary.csv', '.html')
    files = {f'{kind}{end}' for kind in ('healthy', 'hernia') for end in ends}
    assert names == {'lungs.png', 'lungs.html'} | files
    assert re.search(
        r'^median radius, by length \(µm\) +[\d.]+ +[\d.]+ +[01]\.\d\d$', said, re.MULTILINE
    )
    page = (empty_folder / 'out' / 'lungs.html').read_text()
    assert page.count('data:image/png;base64,') == 2
    assert 'href="healthy.html"' in page
    assert 'median radius, by length' in page
    assert 'http' not in page


def test_demo_too_small(empty_folder, capsys):
    assert main(['demo', '--shape', '8']) == 2
    assert capsys.readouterr().err == 'skanrs: error: --shape: expected at least 32 voxels, got 8\n'
