"""What can be asked over HTTP about subjects, as rows beside those of `surface`."""

from __future__ import annotations

from nearwise_server import schemas
from nearwise_server.erasures import Erasures
from nearwise_server.media_types import JSON_LINES_TYPE, JSON_TYPE
from nearwise_server.operations import (
    ERASERS,
    RECEIPT_READERS,
    TRAIT_READERS,
    TRAIT_WRITERS,
    WITH_BODY,
    Content,
    Operation,
    answers_of,
    listing,
)
from nearwise_server.traits import Traits


def trait_operations(traits: Traits) -> tuple[Operation, ...]:
    """What is known of subjects beside their events."""
    subject = schemas.path("subject", schemas.TEXT)
    return (
        Operation(
            method="GET",
            path="/v1/traits/{subject}",
            handler=traits.read,
            scopes=TRAIT_READERS,
            summary="The traits of a subject; a device gets those that the newest version declares",
            parameters=(subject, schemas.header("If-None-Match")),
            answers=answers_of(JSON_TYPE, 404, schema=schemas.TRAITS) | {304: ("unchanged", None)},
        ),
        Operation(
            method="PUT",
            path="/v1/traits/{subject}",
            handler=traits.put,
            scopes=TRAIT_WRITERS,
            summary="Replace the traits of a subject",
            parameters=(subject,),
            body=Content(media_type=JSON_TYPE, schema=schemas.TRAITS_OF_ONE),
            answers=answers_of(JSON_TYPE, 400, 404, *WITH_BODY, schema=schemas.TRAITS_PUT),
        ),
        _drop_traits(traits),
        Operation(
            method="POST",
            path="/v1/traits",
            handler=traits.put_many,
            scopes=TRAIT_WRITERS,
            summary="Replace the traits of many subjects, all or none: per line an object of `subject` and `traits`",
            body=Content(media_type=JSON_LINES_TYPE),
            answers=answers_of(JSON_TYPE, 400, *WITH_BODY, schema=schemas.TRAITS_STORED),
        ),
    )


def _drop_traits(traits: Traits) -> Operation:
    return Operation(
        method="DELETE",
        path="/v1/traits/{subject}",
        handler=traits.drop,
        scopes=TRAIT_WRITERS,
        summary="Forget the traits of a subject",
        parameters=(schemas.path("subject", schemas.TEXT),),
        answers=answers_of(JSON_TYPE, 404, schema=schemas.TRAITS_DROPPED),
    )


def erasure_operations(erasures: Erasures) -> tuple[Operation, ...]:
    """Requests to erase a subject, and their receipts."""
    return (
        Operation(
            method="POST",
            path="/v1/erasures",
            handler=erasures.ask,
            scopes=ERASERS,
            summary="Erase a subject: its traits at once, its events and what is left in the files within some time",
            body=Content(media_type=JSON_TYPE, schema=schemas.ERASE),
            answers=answers_of(JSON_TYPE, 400, *WITH_BODY, status=202, schema=schemas.ERASURE),
        ),
        listing(erasures.receipts, "/v1/erasures", "Requests to erase, in the order of arrival", schemas.ERASURES),
        Operation(
            method="GET",
            path="/v1/erasures/{id}",
            handler=erasures.receipt,
            scopes=RECEIPT_READERS,
            summary="What became of a request to erase",
            parameters=(schemas.path("id", schemas.TEXT),),
            answers=answers_of(JSON_TYPE, 404, schema=schemas.ERASURE),
        ),
    )
