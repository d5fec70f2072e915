"""The soak test detects a wrong result and growing memory."""

import sys

import pytest
import soak

import skanrs


@pytest.fixture(autouse=True)
def threads():
    before = skanrs.get_num_threads()
    yield
    skanrs.set_num_threads(before)


def run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, 'argv', ['soak.py', *arguments])
    return soak.main()


def test_equal_answers_pass(monkeypatch, capsys):
    assert run(monkeypatch, '1', '--once', '--seed', '7') == 0
    assert '1 seeds from 7 on, all equal' in capsys.readouterr().out


@pytest.mark.parametrize('name', ['skeletonize', 'summarize'])
def test_a_wrong_answer_prints_its_seed(name, monkeypatch, capsys):
    right = getattr(skanrs, name)

    def wrong(*arguments, **options):
        answer = right(*arguments, **options)
        return answer[1:] if name == 'summarize' else ~answer

    monkeypatch.setattr(skanrs, name, wrong)
    assert run(monkeypatch, '1', '--once', '--seed', '7') == 1
    assert 'failed: python tests/support/soak.py 1 --once --seed 7' in capsys.readouterr().out


def test_growing_memory_is_reported(monkeypatch, capsys):
    grown = iter(range(0, 1 << 40, 2 * soak.MOST_GROWTH))
    monkeypatch.setattr(soak, 'memory', lambda: next(grown) + 1)
    monkeypatch.setattr(soak, 'check', lambda seed: None)
    monkeypatch.setattr(soak, 'WARM_UP', 1)
    assert run(monkeypatch, '5') == 1
    assert 'memory grew from' in capsys.readouterr().out
