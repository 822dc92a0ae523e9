"""Media types of the bodies that devices fetch and send."""

from __future__ import annotations

AUDIENCE_TYPE = "application/vnd.nearwise.audience"
BATCH_TYPE = "application/vnd.nearwise.batch"
BUNDLE_TYPE = "application/vnd.nearwise.bundle"
DELTA_TYPE = "application/vnd.nearwise.delta"
ENTRIES_TYPE = "application/vnd.nearwise.entries"
ENVELOPE_TYPE = "application/vnd.nearwise.envelope+json"
JSON_LINES_TYPE = "application/x-ndjson"
JSON_TYPE = "application/json"
PROBLEM_TYPE = "application/problem+json"
