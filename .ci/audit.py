"""Looks up the known vulnerabilities of what `requirements.lock` installs: pip-audit, and words where it cannot."""

import json
import subprocess
import sys
from pathlib import Path

LOCK = Path(__file__).parents[1] / "requirements.lock"
UNKNOWN = 2  # exit code where some packages, or all, could not be looked up


def main(words: list[str]) -> int:
    """Audit; 0 without a finding, 1 with one, 2 where the service could not say."""
    done = subprocess.run([sys.executable, "-m", "pip_audit", "-r", str(LOCK), "--disable-pip", "--format=json",
                           "--progress-spinner=off", *words], capture_output=True, text=True)
    try:
        packages = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        said = (done.stderr.strip().splitlines() or ["no answer"])[-1]
        print(f"Nothing was looked up: the service of advisories cannot be reached ({said}). Call `make audit` again "
              "with a network, or name another service: ARGS=\"-s osv\".")
        return UNKNOWN
    found = [(package, fault) for package in packages for fault in package.get("vulns", [])]
    unknown = [package["name"] for package in packages if "skip_reason" in package]
    for package, fault in found:
        mended = ", ".join(fault["fix_versions"]) or "no version yet"
        print(f"{package['name']} {package['version']}: {fault['id']}, mended in {mended}")
        print(f"  {fault['description'][:300]}")
    print(f"{len(packages) - len(unknown)} of {len(packages)} packages looked up: {len(found)} known vulnerabilities")
    if unknown:
        others = " and others" if len(unknown) > 5 else ""
        print(f"The service knows nothing of {', '.join(unknown[:5])}{others}: it is another one than the public "
              "index's, or cannot be reached. This is no all-clear; ARGS=\"-s osv\" asks another service.")
    return 1 if found else UNKNOWN if unknown else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
