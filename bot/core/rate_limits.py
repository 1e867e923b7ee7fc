"""The pace of the calls to Slack, which keeps below the limits of Slack.

https://docs.slack.dev/apis/web-api/rate-limits
"""

CALL_INTERVAL = 1.0  # seconds from the end of a post to the next one in its channel, and the same between two updates
MOST_UPDATES, UPDATES_WINDOW = 40, 61.0  # the most of a workspace within so many seconds: Slack allows 50 per minute
BATCH_INTERVAL = 10.0  # seconds between two updates of the result of a batch that is still being sent
TOKEN_INTERVAL = 60.0  # seconds between two calls for a workspace whose token Slack refuses
