"""The answer to a PDF link that leads nowhere: a page for people, JSON for programs."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response

from headrace.model.errors import RequestError
from headrace.pages.hub_pages import lost_page
from headrace.pages.languages import language_of
from headrace.pages.templates import wants_page
from headrace.server.call import error_answer

_TEXTS: dict[str, dict[int, tuple[str, str]]] = {
    "en": {
        403: (
            "This link is no longer valid",
            "Open the page or the e-mail that you have it from again, or ask whoever sent it to "
            "you for a new link. A link to a document is valid for a limited time.",
        ),
        404: (
            "This document is gone",
            "It was removed or replaced. Ask whoever sent you the link for the document.",
        ),
        503: (
            "This document can't be shown just now",
            "Please try again in a few minutes.",
        ),
    },
    "fr": {
        403: (
            "Ce lien n'est plus valable",
            "Ouvrez de nouveau la page ou l'e-mail d'où il provient, ou demandez un nouveau lien à "
            "la personne qui vous l'a envoyé. Un lien vers un document est valable un certain "
            "temps.",
        ),
        404: (
            "Ce document n'existe plus",
            "Il a été retiré ou remplacé. Demandez-le à la personne qui vous a envoyé le lien.",
        ),
        503: (
            "Ce document ne peut pas être affiché pour le moment",
            "Réessayez dans quelques minutes.",
        ),
    },
    "de": {
        403: (
            "Dieser Link gilt nicht mehr",
            "Öffnen Sie noch einmal die Seite oder die E-Mail, aus der Sie ihn haben, oder fordern "
            "Sie einen neuen an. Ein Link auf ein Dokument gilt eine begrenzte Zeit.",
        ),
        404: (
            "Dieses Dokument gibt es nicht mehr",
            "Es wurde entfernt oder ersetzt. Fragen Sie danach, wer Ihnen den Link geschickt hat.",
        ),
        503: (
            "Dieses Dokument kann gerade nicht angezeigt werden",
            "Bitte versuchen Sie es in einigen Minuten noch einmal.",
        ),
    },
    "es": {
        403: (
            "Este enlace ya no es válido",
            "Abra de nuevo la página o el correo de donde lo tiene, o pida un enlace nuevo a quien "
            "se lo envió. Un enlace a un documento es válido por un tiempo limitado.",
        ),
        404: (
            "Este documento ya no existe",
            "Se ha retirado o sustituido. Pídalo a quien le envió el enlace.",
        ),
        503: (
            "Este documento no se puede mostrar en este momento",
            "Inténtelo de nuevo en unos minutos.",
        ),
    },
}
"""By language and status: what happened, and what to do."""
_LATER = 503


def apology(request: Request, error: RequestError) -> Response:
    """Return the error as the client reads it, by its Accept header."""
    if not wants_page(request):
        answer = error_answer(error)
        headers = {"Cache-Control": "no-store"}
        return Response(answer.body, answer.status, headers, media_type="application/json")
    language = language_of(request.headers.get("accept-language", ""))
    texts = _TEXTS[language]
    title, advice = texts.get(error.status, texts[_LATER])
    return lost_page(error.status, title, advice, language)
