"""What `make audit` says of pip-audit's answers, none of which is taken for an all-clear where it is none."""

import json
import sys
from types import SimpleNamespace

import pytest
from commands import load

FAULT = {"id": "PYSEC-1", "fix_versions": ["2.1"], "description": "Pictures run code."}
FINE, BAD = {"name": "one", "version": "1", "vulns": []}, {"name": "two", "version": "2.0", "vulns": [FAULT]}
SKIPPED = {"name": "three", "skip_reason": "Dependency not found"}


@pytest.mark.parametrize(("packages", "code", "said"), [
    ([FINE], 0, "1 of 1 packages looked up: 0 known vulnerabilities\n"),
    ([FINE, BAD], 1, "two 2.0: PYSEC-1, mended in 2.1\n  Pictures run code.\n2 of 2 packages looked up: 1 known"),
    ([FINE, SKIPPED], 2, "knows nothing of three: it is another one than the public index's, or cannot be reached. "
                         "This is no all-clear"),
    ([BAD, SKIPPED], 1, "1 of 2 packages looked up: 1 known vulnerabilities"),
    (None, 2, "Nothing was looked up: the service of advisories cannot be reached (ConnectionError: no such host)."),
])
def test_what_is_said(monkeypatch, capsys, packages, code, said):
    audit, asked = load(".ci/audit.py"), []
    stdout = "" if packages is None else json.dumps({"dependencies": packages, "fixes": []})
    answer = SimpleNamespace(stdout=stdout, stderr="Traceback\nConnectionError: no such host\n")
    monkeypatch.setattr(audit.subprocess, "run", lambda words, **_: asked.append(words) or answer)
    assert audit.main(["-s", "osv"]) == code
    assert said in capsys.readouterr().out
    assert asked[0][:3] == [sys.executable, "-m", "pip_audit"]
    assert asked[0][-2:] == ["-s", "osv"]
