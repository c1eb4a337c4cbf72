"""Checks an RO-Crate with the validator of the RO-Crate community, without a network.

Run by the Python of an environment that has roc-validator, and rocrate 0.13, which carries the JSON-LD
context of RO-Crate 1.1:  python crate.py CRATE PROFILE...
Prints a JSON list of everything that is required or recommended and not so; skipped checks count as well.
"""

import json
import sys
import tempfile
from pathlib import Path

import rocrate
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from urllib3 import HTTPResponse

CONTEXT = "https://w3id.org/ro/crate/1.1/context"


class _Installed(HTTPAdapter):
    """Answers with the file that the package rocrate carries."""

    def send(self, request, **options):
        body = (Path(rocrate.__file__).parent / "data" / "ro-crate.jsonld").open("rb")
        headers = {"Content-Type": "application/ld+json"}
        raw = HTTPResponse(body, headers, 200, preload_content=False, request_url=request.url)
        return self.build_response(request, raw)


def fill(cache):
    session = CachedSession(str(cache), backend="sqlite", expire_after=-1, allowable_methods=("GET",))
    session.mount("https://w3id.org/", _Installed())
    answer = session.get(CONTEXT).json()
    assert answer["@id"] == CONTEXT, f"this rocrate carries {answer['@id']}"
    session.close()


def check(crate, profile, cache):
    from rocrate_validator import models, services

    settings = services.ValidationSettings(
        rocrate_uri=crate,
        profile_identifier=profile,
        requirement_severity=models.Severity.RECOMMENDED,
        offline=True,
        cache_path=cache,
    )
    result = services.validate(settings)
    for issue in result.get_issues():
        yield {
            "profile": profile,
            "check": issue.check.identifier,
            "severity": issue.severity.name,
            "message": issue.message,
            "entity": str(issue.violatingEntity),
        }
    statistics = result.to_dict()
    for skipped in statistics.get("skipped_check_details", ()):
        yield {
            "profile": profile,
            "check": skipped["identifier"],
            "severity": "SKIPPED",
            "message": skipped["message"],
        }


def main(crate, profiles):
    with tempfile.TemporaryDirectory() as directory:
        cache = Path(directory) / "http"
        fill(cache)
        found = [issue for profile in profiles for issue in check(crate, profile, cache)]
    json.dump(found, sys.stdout, indent=1)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
