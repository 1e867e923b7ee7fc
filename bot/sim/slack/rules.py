"""The catalogue of mistakes that real Slack lets pass, or reports to nobody, and that people suffer from."""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Names of the rules, by what was seen."""

    # acks
    ACK_LATE = "ack_late"  # no complete 200 in time: the person sees operation_timeout
    ACK_NOT_200 = "ack_not_200"  # the person sees an error without any explanation
    ACK_JSON_AS_TEXT = "ack_json_as_text"  # without application/json the JSON itself is displayed
    ACK_NOT_JSON = "ack_not_json"  # labelled as JSON, but isn't a JSON object: nothing is displayed
    ACK_BODY_IGNORED = "ack_body_ignored"  # nobody ever sees what the ack of a click says
    ACK_OVERWRITES_ALERT = "ack_overwrites_alert"  # JSON in the ack of a legacy button takes its message's place
    VIEW_ACK_INVALID = "view_ack_invalid"  # of a submission: "We had some trouble connecting. Try again?"
    # Socket Mode
    ACK_WITHOUT_ENVELOPE = "ack_without_envelope"  # a frame that says to which envelope it belongs is expected
    ACK_UNKNOWN_ENVELOPE = "ack_unknown_envelope"
    ACK_TWICE = "ack_twice"
    ACK_PAYLOAD_NOT_ACCEPTED = "ack_payload_not_accepted"  # accepts_response_payload was false
    # any message
    UNKNOWN_KEY = "unknown_key"  # ignored, so probably misspelt
    WRONG_TYPE = "wrong_type"  # for instance a text that is no string
    UNKNOWN_RESPONSE_TYPE = "unknown_response_type"
    BLOCKS_WITHOUT_TEXT = "blocks_without_text"  # screen readers and notifications have nothing to say
    INVALID_BLOCKS = "invalid_blocks"  # nobody sees the message
    REJECTED = "rejected"  # for something else in it: nobody sees it either
    TEXT_TOO_LONG = "text_too_long"  # over 4,000 characters; over 40,000 it is cut
    RAW_AMPERSAND = "raw_ampersand"
    RAW_ANGLE_BRACKET = "raw_angle_bracket"
    BROADCAST = "broadcast"  # <!channel> and the like wake everyone up
    LINKS_NAMES = "links_names"  # link_names or parse turn foreign text into mentions
    # response_url
    IMPLICIT_RESPONSE_TYPE = "implicit_response_type"
    IMPLICIT_REPLACE_ORIGINAL = "implicit_replace_original"  # its default differs between surfaces
    REPLACES_SLASH_COMMAND = "replaces_slash_command"  # there is no original message to replace or delete
    CHANGES_VISIBILITY = "changes_visibility"  # a replaced message stays visible to whom it was
    MISPLACED_THREAD = "misplaced_thread"  # needs in_channel and replace_original:false, as reply_broadcast needs it
    # Web API
    TOKEN_OUTSIDE_HEADER = "token_outside_header"  # noqa: S105 - no password; it would end up in logs
    JSON_TO_FORM_METHOD = "json_to_form_method"
    TRIGGER_TOO_LATE = "trigger_too_late"  # used after three seconds or twice: nothing opens, and nobody sees why
    OPENED_IN_MODAL = "opened_in_modal"  # views.open can do nothing there, and fails on phones: views.push it is
    UNFURLS = "unfurls"  # unfurl_links and unfurl_media must be false, or links get fetched and previewed


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule, with what broke it."""

    rule: Rule
    detail: str
