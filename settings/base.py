"""Settings every environment shares. Addresses and secrets come from the environment's own file."""

import os
from datetime import timedelta
from pathlib import Path
from typing import Any

from django.templatetags.static import static

from core.logs import logging_settings

BASE_DIR = Path(__file__).resolve().parent.parent

INSTALLED_APPS = [
    "core",  # First: a few of its templates stand in for unfold's.
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_htmx",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "post_office",
    "events",
    "ledger",
    "accounts",
    "billing",
    "catalog",
    "distribution",
    "sharing",
    "wallets",
    "orders",
    "notifications",
    "proofs",
    "replay",
    "portal",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "core.middleware.RequestContext",
    "core.middleware.RefuseUnstorableText",
    "core.middleware.OwnPagesOnly",
    "sharing.middleware.ScansWithoutSession",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "core.middleware.ReadersLanguage",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "accounts.middleware.BrowserSession",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "marketplace.urls"
WSGI_APPLICATION = "marketplace.wsgi.application"
APPEND_SLASH = False
CSRF_FAILURE_VIEW = "portal.pages.refusals.refuse_forgery"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "accounts.Account"
PASSWORD_HASHERS = ["accounts.hashers.FrugalArgon2PasswordHasher"]
ARGON2_PASSES = 1
ARGON2_MEMORY_KIB = 47_104
ARGON2_LANES = 1
PASSWORD_LENGTH_MIN = 8
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": PASSWORD_LENGTH_MIN},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "/admin/login/"

DEFAULT_FROM_EMAIL = "marketplace@localhost"
POST_OFFICE = {
    "BACKENDS": {"default": "django.core.mail.backends.smtp.EmailBackend"},
    "CELERY_ENABLED": False,
    "MAX_RETRIES": 10,
    "RETRY_INTERVAL": timedelta(minutes=5),
}

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("zh-hans", "简体中文")]
LANGUAGE_COOKIE_SAMESITE = "Lax"
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = True
FORMAT_MODULE_PATH = ["settings.formats"]
USE_TZ = True
TIME_ZONE = "UTC"

STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "var" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

SESSION_ENGINE = "django.contrib.sessions.backends.db"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "accounts.api.authentication.BearerAuthentication",
        "accounts.api.authentication.BrowserAuthentication",
        "billing.api.authentication.ServiceAuthentication",
        "orders.counter.api.authentication.TerminalAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": ["core.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_SCHEMA_CLASS": "core.api.schema.ContractSchema",
    "EXCEPTION_HANDLER": "core.api.problems.answer_problem",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DATETIME_FORMAT": "%Y-%m-%dT%H:%M:%S.%fZ",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Marketplace",
    "DESCRIPTION": "Every cent is explained, booked exactly once, and provably sums to zero.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": [],
    "SERVE_AUTHENTICATION": [],
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": ["core.api.schema.finish_document"],
}

LOGGING = logging_settings(json=True)

UNFOLD: dict[str, Any] = {
    "SITE_TITLE": "Marketplace",
    "SITE_HEADER": "Marketplace",
    "SITE_SUBHEADER": "For operators",
    "SITE_SYMBOL": "storefront",
    "SITE_URL": None,
    "SHOW_VIEW_ON_SITE": False,
    "STYLES": [lambda request: static("core/operators.css")],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: static("core/favicon.svg")}],
    "DASHBOARD_CALLBACK": "core.admin.first_page",
    "SIDEBAR": {"show_search": True, "navigation": "core.navigation.sidebar"},
}

# --- Limits, all named and all configurable -------------------------------------------------

DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024  # bytes of a request's body
JSON_DEPTH_MAX = 32
PAGE_SIZE = 50
PAGE_SIZE_MAX = 200

IDEMPOTENCY_RETENTION = timedelta(days=30)

SESSION_LIFETIME = timedelta(days=30)
SESSION_RETENTION = timedelta(days=90)  # how long an ended session can still be looked up
SESSION_COOKIE_AGE = int(SESSION_LIFETIME.total_seconds())
LOGIN_FAILURES_MAX = 10  # per user name and address
LOGIN_FAILURES_WINDOW = timedelta(minutes=15)
REGISTRATIONS_MAX = 300  # per address
REGISTRATIONS_WINDOW = timedelta(hours=1)
INVITATION_LIFETIME = timedelta(minutes=15)
INVITATION_CODES_MAX = 10  # in one group
INVITATION_FAILURES_MAX = 10  # wrong codes per account; looking at one counts too
INVITATION_FAILURES_WINDOW = timedelta(minutes=15)
INVITATION_ADDRESS_FAILURES_MAX = 300  # per address, behind which may be a whole office
INVITATION_ADDRESS_FAILURES_WINDOW = timedelta(minutes=15)
INVITATION_ALARM_MAX = 1000  # wrong codes of all accounts together, before people are told; refuses nobody
INVITATION_ALARM_WINDOW = timedelta(minutes=15)
IDENTITY_PROVIDERS: dict[str, str] = {}  # provider -> its Ed25519 public key (PEM)
IDENTITY_PROVIDERS_DEMO: tuple[str, ...] = ()  # whose keys are ours: never in production
OTP_FAILURES_MAX = 10  # wrong one-time passwords per account
OTP_FAILURES_WINDOW = timedelta(minutes=15)
STEP_UP_LIFETIME = timedelta(minutes=10)  # how long a second factor counts as fresh
OPERATOR_SECOND_FACTOR = False  # True: operators' rights need a session that has shown one
STAND_IN_LIFETIME = timedelta(minutes=30)  # how long an operator may act as a customer for one reason
LINK_GRAPH_DEPTH_MAX = 3  # links between the account in the middle and those at the rim
LINK_GRAPH_ACCOUNTS_MAX = 60  # in one drawing, the nearest first
SITE_NAME = "Marketplace"
SITE_URL = "http://127.0.0.1:8000"  # what mails and QR codes begin with
QR_ERROR_CORRECTION = "M"  # L, M, Q or H: 7, 15, 25 or 30 % of a code may be dirty
QR_MODULE_PIXELS = 6  # one of its squares
QR_BORDER_MODULES = 4  # the white around it that the norm asks for
QR_SIZE_DEFAULT = 512  # pixels of a picture that somebody asks for, from edge to edge
QR_SIZE_MIN = 128
QR_SIZE_MAX = 2048
QR_CAPTION_LENGTH_MAX = 60
QR_CACHE_SECONDS = 24 * 60 * 60  # a picture of a code never changes
TYPESETTING_FONT_PACKAGES = (  # by script; what none of them has comes from the machine's own fonts
    "fontpkg_noto_sans",
    "noto_cjk_sans_otc",
    "fontpkg_noto_sans_arabic",
    "fontpkg_noto_sans_devanagari",
    "fontpkg_noto_sans_thai",
)
TYPESETTING_FONTS = (  # for paper and pictures
    "Noto Sans",
    "Noto Sans CJK SC",
    "Noto Sans Arabic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)
PASSWORD_RESET_TIMEOUT = 30 * 60  # seconds
EMAIL_VERIFICATION_LIFETIME = timedelta(days=1)
MAILS_MAX = 5  # mails that somebody can have sent to one account
MAILS_WINDOW = timedelta(hours=1)
ADDRESS_MAILS_MAX = 30  # and from one address
ADDRESS_MAILS_WINDOW = timedelta(hours=1)
MAIL_RETENTION_DAYS = 7
MAILS_SENT_EVERY_SECONDS = 5.0
BEHAVIOUR_RETENTION_MONTHS = 24
TRUSTED_PROXY_COUNT = 0  # how many proxies of ours append to X-Forwarded-For

# --- The clock: demo and test may move it; production may not --------------------------------

CLOCK_ADJUSTABLE = False
CLOCK_ADVANCE_SECONDS_MAX = 10 * 366 * 24 * 60 * 60  # in one go
CLOCK_OFFSET_SECONDS_MAX = 100 * 366 * 24 * 60 * 60  # in all

# --- Events ----------------------------------------------------------------------------------

DELIVERY_BATCH_MAX = 500
DELIVERY_LOOP_ENABLED = True  # money workers look for themselves, beside the doorbell
DELIVERY_POLL_SECONDS = 1.0
DELIVERY_TURN_SECONDS = 5.0  # then other consumers have theirs
DELIVERY_BACKOFF_SECONDS = 1.0  # doubled at each attempt
DELIVERY_BACKOFF_SECONDS_MAX = 300.0
DELIVERY_LOW_WATER_MARGIN = 10_000  # event ids below the lowest seen that may still be uncommitted
DELIVERY_LOW_WATER_RESCAN_SECONDS = 10.0
DOORBELL_LINGER_SECONDS = 0.25  # from the first ring to the look that it asks for: what comes meanwhile goes along
DOORBELL_TIMEOUT_SECONDS = 0.1
DOORBELL_SILENCE_SECONDS = 5.0

# --- Billing ---------------------------------------------------------------------------------

BATCH_PERIOD_MS = 500
BATCH_ACCOUNTS_MAX = 2500
BATCH_TRANSFERS_MAX = 10_000
EVENT_FUTURE_TOLERANCE = timedelta(minutes=5)
RULE_SET_SECOND_PERSON = True  # False for one-person shops
JOURNAL_REVERSAL_SECOND_PERSON = True  # False for one-person shops
REPAIR_EVENTS_AT_ONCE = 500  # events that one transaction of a repair puts right
REPLAY_EVENTS_AT_ONCE = 5_000  # ids that one short read of a replay or repair looks at
REPLAY_RANGES_PER_CHECKPOINT = 20
REPLAY_ACCOUNTS_LISTED_MAX = 10_000
OPERATOR_EVENTS_DAILY_MINOR_MAX = 100_000_000  # per operator, day and currency

COVERAGE_COUNT_EVERY_SECONDS = 60.0
COVERAGE_BATCHES_AT_ONCE = 1000  # in one transaction of the counting task
COVERAGE_EVENTS_AT_ONCE = 20_000  # in one transaction, unless one batch has more
COVERAGE_ROWS_MAX = 1000  # in one report

# --- The book: seals and looking back --------------------------------------------------------

SEAL_EVERY_SECONDS = 5.0
SEAL_BATCHES_AT_ONCE = 500  # in one transaction
SEAL_ROWS_AT_ONCE = 50_000  # in one transaction, unless one batch has more
ROLLUP_EVERY_SECONDS = 5.0
ROLLUP_BATCHES_AT_ONCE = 500  # in one transaction
ROLLUP_TRANSFERS_AT_ONCE = 50_000  # in one transaction, unless one batch has more
TRIAL_ACCOUNTS_AT_ONCE = 1000  # in one query of a trial balance

# --- Customers' pages ------------------------------------------------------------------------

OTHER_ITEMS_SHOWN = 4  # of the same seller, below an item and where a code is no longer in use
UNREAD_COUNTED_MAX = 99  # at the top of pages; more are "99+"
TYPED_LIFETIME = timedelta(minutes=30)  # what a form sent too late is kept, to be filled in again
TYPED_LENGTH_MAX = 20_000  # characters of it; more is not kept
MESSAGES_PER_PAGE = 25  # of the inbox
LINKS_PER_PAGE = 20  # of the own ones
RECORDS_PER_PAGE = 50  # of what an account and those linked with it did
SESSIONS_PER_PAGE = 50  # of those in which one is logged in
TILES_PER_PAGE = 24  # of the page where customers browse
SHARES_PER_PAGE = 20  # of the own ones
SHARE_DAYS_SHOWN = 30  # the last on which something came of shares
EARNINGS_PER_PAGE = 25  # of the own parts of sales
PEOPLE_PER_PAGE = 50  # of those who came through one, on one branch of the tree
AGENT_STORES_SHOWN = 200  # on an agent's map and beside it
AGENT_VACANCIES_SHOWN = 50  # beside an agent's area
SELLERS_ROWS_PER_PAGE = 25  # of a seller's items, orders, requests, earnings and statement
SELLERS_DAYS_SHOWN = 30  # of sales, on a seller's overview
ORDERS_PER_PAGE = 20  # of the own ones
STATEMENT_LINES_PER_PAGE = 30
PAYMENTS_SHOWN = 5  # top-ups, and withdrawals, beside a wallet
PHONES_SHOWN = 30  # that make pay codes, also those that do no more
PORTAL_PROVIDER = ""  # charges what a wallet lacks; one that needs no form of its own in the browser

# --- Pictures of items -----------------------------------------------------------------------

ITEM_PICTURES_MAX = 8  # of one item
ITEM_PICTURE_FORMATS = ("JPEG", "PNG", "WEBP")  # as Pillow calls them
ITEM_PICTURE_BYTES_MAX = 10 * 1024 * 1024  # of one file as it comes
ITEM_PICTURE_PIXELS_MAX = 50_000_000  # looked at before anything is decoded
ITEM_PICTURE_EDGE_MIN = 200  # pixels of the shorter edge
ITEM_PICTURE_EDGES = {"large": 1600, "small": 480}  # pixels of the longer edge as it is kept, by the file's name
ITEM_PICTURE_QUALITY = 82  # of the WebP that is kept, 1 to 100
ITEM_PICTURE_FILES_UNNAMED_MAX = timedelta(days=1)  # so long adding a picture may take from its files to its row
ITEM_PICTURES_SWEPT_AT_ONCE = 500
ITEM_PICTURE_CACHE_SECONDS = 365 * 24 * 60 * 60  # a picture never changes under its address
LARGE_BODIES = {r"/sell/items/[^/]+/pictures": 45 * 1024 * 1024}  # bytes of a body by path: several pictures at once

# --- Orders and wallets ----------------------------------------------------------------------

FEE_SCHEDULE_SECOND_PERSON = True  # False for one-person shops
ORDER_LINES_MAX = 2000
CART_LINES_MAX = 200  # never more than an order may have
CART_QUANTITY_MAX = 100_000  # of one item
ORDER_PAYMENT_LIMIT = timedelta(minutes=30)  # a pending order is closed after it
ORDER_COMPLETION_LIMIT = timedelta(days=14)  # a fulfilled order is completed after it
REFUND_REQUEST_LIMIT = timedelta(days=7)  # after it an operator may decide in the seller's place
EARNINGS_HOLD_PERIOD = timedelta(days=7)  # from completion to release
TIMED_TRANSITIONS_BATCH_MAX = 500
TIMED_TRANSITIONS_EVERY_SECONDS = 1.0
UNBOOKED_CHANGES_PURGE_MAX = 5_000  # per statement of the purging task
UNBOOKED_CHANGES_PURGE_EVERY_SECONDS = 10.0

PAYMENT_PROVIDERS = {"local": "wallets.providers.local.LocalProvider"}
TOP_UP_PROVIDER_DEFAULT = "local"
PAYOUT_PROVIDER = "local"
PAYOUT_TARGET_REQUIRED = False  # True: a withdrawal names where it goes
PAYOUT_TARGETS_MAX = 10  # of one account
IDENTITY_SERVERS: dict[str, str] = {}  # provider of identities -> its own server that keeps their money
PROVIDER_GIVE_UP_AFTER = timedelta(minutes=30)  # a charge without a final answer is cancelled, and has failed for us
IDENTITY_CHARGE_GIVE_UP_AFTER = timedelta(minutes=2)  # the same at the counter, where somebody waits
PROVIDER_QUERY_AFTER = timedelta(seconds=30)  # a payment whose request has not come back is asked about after it
PROVIDER_QUERY_PAUSE_MAX = timedelta(hours=1)  # between two questions about one payment
PROVIDER_QUERIES_MAX = 100  # per run of the asking task
PROVIDER_QUERIES_EVERY_SECONDS = 5.0
PROVIDER_SETTLEMENT_AFTER = timedelta(hours=24)  # before that no operator says in a provider's place how it ended
PROVIDER_SETTLEMENT_SECOND_PERSON = True  # False for one-person shops
WEBHOOK_BYTES_MAX = 256 * 1024  # what a provider may tell us at once
STRIPE_SECRET_KEY = os.environ.get("STRIPE_SECRET_KEY", "")  # set, there is the provider `stripe`
STRIPE_WEBHOOK_SECRET = os.environ.get("STRIPE_WEBHOOK_SECRET", "")  # with which Stripe signs its webhooks
STRIPE_WEBHOOK_TOLERANCE_SECONDS = 300  # how old a webhook's signature may be
STRIPE_API_BASE = os.environ.get("STRIPE_API_BASE", "")  # another address than Stripe's own, for tests
STRIPE_TIMEOUT_SECONDS = 10.0
if STRIPE_SECRET_KEY:
    PAYMENT_PROVIDERS["stripe"] = "wallets.providers.stripe_payments.StripeProvider"

# --- The counter -----------------------------------------------------------------------------

PAY_CODE_LIFETIME = timedelta(seconds=60)
PAY_CODES_SEVERAL_VALID = True  # False: a new code ends the ones before it
PAY_CODE_RETENTION = timedelta(days=30)  # how long a dead code still says how it ended
OFFLINE_PAY_CODE_SKEW = timedelta(seconds=30)  # codes made by a phone are good so long before and after their 30 s
PAY_CODE_SECRETS_MAX = 10  # phones per account that make codes by themselves
PAY_CODE_FAILURES_MAX = 30  # refused codes per till
PAY_CODE_FAILURES_WINDOW = timedelta(minutes=15)
PAY_CODE_STORE_FAILURES_MAX = 300  # and per store, behind which may be many tills
PAY_CODE_STORE_FAILURES_WINDOW = timedelta(minutes=15)
COUNTER_PAYMENT_LIMIT = timedelta(minutes=10)  # a trade that is not paid is closed after it
COUNTER_CANCEL_LIMIT = timedelta(hours=24)  # a paid trade is cancelled within it, and refunded after it
COUNTER_CONFIRM_ABOVE_MINOR = 500_000  # above it the customer confirms on the phone, unless the account says otherwise
TILL_TILES = 12  # items that a till in a browser offers by themselves, those that sell most at its store
TILL_TILES_FROM_TRADES = 500  # of the store's latest trades
TILL_ITEMS_FOUND = 12  # by what a cashier types
RECEIPT_TEXT_WIDTHS = (32, 42, 48)  # columns of the printers that receipts are written for
RECEIPT_TEXT_WIDTH = 42  # where nobody says which printer it is

# --- Distribution: plans and allocations -------------------------------------------------------

PLAN_SECOND_PERSON = True  # False for one-person shops
SHARED_AGE_MAX = timedelta(days=31)  # what was paid so long before it was recorded is an imported history
ESCROW_PERIOD = timedelta(days=365)  # what is kept for an agent who never came is the platform's after it

# --- Distribution: people --------------------------------------------------------------------

REFERRAL_LEVELS_MAX = {"": 2}  # how many may be paid, by scheme of areas where it has a number of its own
REFERRAL_STEPS_MAX = 1_000  # places that a chain passes over or counts before it is given up
REFERRAL_MOVES_AT_ONCE = 1_000  # children of somebody who left, moved up in one transaction
AGENT_BACKDATING_MAX = timedelta(days=31)  # how far back a seat may begin, where nothing was shared out since
AGENT_FIGURES_PERIOD = timedelta(days=30)  # whose sales an agent's page and the preview of an end count

# --- Sharing ---------------------------------------------------------------------------------

SHARE_CODE_KEYS: list[str] = []  # the first signs codes, all are known; none: SECRET_KEY and its fallbacks
SHARE_WINDOW_DAYS_MAX = 366
SHARE_LOCK_DAYS_MAX = 3660
SHARE_HOSTS_MAX = 20  # that a program allows beside our own
SHARERS_TOLD_AT_ONCE = 1_000  # in one transaction of the job that tells them that a program has ended
SHARE_PICTURES_MAX = 300  # QR codes drawn for one address
SHARE_PICTURES_WINDOW = timedelta(minutes=10)

# --- Sharing: who brought the customer ---------------------------------------------------------

SCANS_PER_ORDER_MAX = 20  # tokens that an order may name; more are not looked at
SCANS_JUDGED_MAX = 100  # of one account and item, the newest
SHARE_ORDER_AFTER_SCAN_MIN = timedelta(seconds=3)  # who orders sooner after the scan has read nothing: held
SHARE_BURST_PERIOD = timedelta(minutes=10)
SHARE_BURST_ORDERS_MAX = 30  # paid orders that one share brings within it; what is more is held
SHARE_REFUNDS_LINES_LOOKED = 100  # paid lines of a share, the newest
SHARE_REFUNDS_LINES_MIN = 10  # with fewer nothing can be said
SHARE_REFUNDS_BPS_MAX = 5_000  # of what they came to; where more was refunded, what comes next is held
SHARE_HOLD_PERIOD = timedelta(days=14)  # what nobody has decided by then goes on as any other

# --- Sharing: scans ----------------------------------------------------------------------------

SCAN_TOKEN_LIFETIME = timedelta(days=30)  # how long after a scan an account may still claim it
SCAN_REPEAT_WINDOW = timedelta(hours=1)  # a visitor who looks at a share again within it is counted once
SCAN_RETENTION_MONTHS = 24  # of the log; claims and counts stay
SCANS_COUNTED_AT_ONCE = 20_000  # in one transaction of the counting task
SCANS_COUNTED_EVERY_SECONDS = 10.0
SCANS_RECLASSIFIED_AT_ONCE = 5_000  # in one transaction of the job that replays a newer classifier
SHARE_REPORT_ROWS_MAX = 1000  # of days, stores, items or sharers in one report; as CSV all
SCAN_AGENTS_OF_PEOPLE: tuple[str, ...] = ()  # words in the names of clients that make nobody a bot

# --- Messages ----------------------------------------------------------------------------------

MESSAGE_NEWS_MAX = timedelta(days=31)  # what was so long ago when it was recorded is a history that was imported
MESSAGE_RETENTION = timedelta(days=90)  # how long a message is kept after it was read
MESSAGE_STREAM_SECONDS_MAX = 600.0  # then the browser comes back, and goes on where it was
MESSAGE_STREAM_HEARTBEAT_SECONDS = 15.0  # so often something is said, or nobody notices that the other has gone
MESSAGE_STREAMS_MAX = 200  # of one web process
MESSAGE_STREAMS_PER_ACCOUNT_MAX = 10  # of one account in one web process
MESSAGE_STREAM_WAITING_MAX = 1000  # messages that a slow reader has yet to take; beyond it comes back and goes on
MESSAGES_AT_ONCE = 200  # that one look into the inboxes reads
MESSAGE_LOOK_SECONDS = 1.0  # between two looks where nobody has rung
MESSAGE_LOOK_PAUSE_SECONDS = 0.05  # between two looks, however often somebody rings
LONG_ANSWER_WRITE_SECONDS_MAX = 10.0  # who takes nothing for so long is gone

# --- Jobs: long work ---------------------------------------------------------------------------

JOB_LOOP_ENABLED = True  # long workers look for jobs themselves, without a broker
JOB_THREADS = 2  # how many jobs one long worker does at once
JOB_POLL_SECONDS = 0.5
JOB_STOP_SECONDS = 10.0  # how long a worker that ends waits for the step it is at
JOB_LEASE_SECONDS = 90.0  # a job without a step for so long has lost its worker
JOB_FAILURES_MAX = 5  # in a row; then it has failed
JOB_BACKOFF_SECONDS = 2.0  # doubled at each failure
JOB_RETENTION = timedelta(days=90)  # how long a finished job can still be looked up

# --- Checks of the books: rows looked at by one short query -----------------------------------

METRICS_WINDOW_SECONDS = 60
HEARTBEAT_EVERY_SECONDS = 5.0  # so often a worker says that it is still looking
HEARTBEAT_LATE_SECONDS = 60.0  # who was silent for so long is taken for gone
HEARTBEAT_RETENTION = timedelta(days=1)
VERDICT_FINDINGS_KEPT = 50  # of one look at the books; the count is of all
VERDICT_LATE_AFTER = timedelta(hours=36)  # the books are looked at every night

# --- The operators' cockpit --------------------------------------------------------------------

COCKPIT_TILE_SLOW_SECONDS = 0.1  # a tile that took longer loads by itself for a while
COCKPIT_TILE_SLOW_KEPT_SECONDS = 300
COCKPIT_TILE_TIMEOUT_MS = 1_000  # on the page with all of them; by itself it has as long as any page
COCKPIT_LIVE_SECONDS = 15  # so often the road is looked at again while the page is open
COCKPIT_RANKED_MAX = 6  # sellers, areas
COCKPIT_LAG_LATE_SECONDS = 2.0
COCKPIT_QUEUE_LATE_SECONDS = 60.0
COCKPIT_PAYMENT_LATE_SECONDS = 3_600.0
COCKPIT_COUNTED_MAX = 1000  # beyond it, more are not told apart

CHECK_ROWS_AT_ONCE = 20_000

# --- Areas and placements ----------------------------------------------------------------------

AREAS_LOOK_SECONDS = 1.0  # how old what a process knows of the versions in force may be
AREA_ROWS_AT_ONCE = 1000  # areas or borders that one statement of a load writes
AREA_CENTRE_DISTANCE_MAX_M = 100_000.0  # beyond it the nearest centre says nothing: nowhere
AREA_LEVEL_NAMES = {  # by scheme, where the file does not say them
    "BR": ("country", "state", "municipality"),
    "CN": ("country", "province", "city", "district"),
}
AREA_LEVEL_NAMES_DEFAULT = ("country", "region", "district")
PLACEMENT_BORDER_NEAR_M = 100.0  # a store as close to its area's border waits for an operator
PLACEMENT_STORES_AT_ONCE = 500  # in one transaction of the job that places again

# --- Imported histories ----------------------------------------------------------------------

REPLAY_PROVIDER = "local"  # customers of the past bring their money to the cash desk: no card is charged
REPLAY_LOST_SECONDS_MAX = 60.0  # how long an import waits for a database that has gone away

# --- Celery ----------------------------------------------------------------------------------

CELERY_TASK_DEFAULT_QUEUE = "long"
CELERY_TASK_ROUTES = {
    "core.tasks.run_timed_transitions": {"queue": "money"},
    "events.tasks.*": {"queue": "money"},
    "orders.tasks.*": {"queue": "money"},
    "wallets.tasks.*": {"queue": "money"},
}
CELERY_BEAT_SCHEDULE = {
    "timed transitions": {
        "task": "core.tasks.run_timed_transitions",
        "schedule": TIMED_TRANSITIONS_EVERY_SECONDS,
        "options": {"expires": 10},  # A tick that waited so long has been overtaken by others.
    },
    "finish provider payments": {
        "task": "wallets.tasks.finish_provider_payments",
        "schedule": PROVIDER_QUERIES_EVERY_SECONDS,
        "options": {"expires": 10},
    },
    "purge booked changes": {
        "task": "wallets.tasks.purge_booked_changes",
        "schedule": UNBOOKED_CHANGES_PURGE_EVERY_SECONDS,
        "options": {"expires": 10},
    },
    "send mails": {
        "task": "accounts.tasks.send_mails",
        "schedule": MAILS_SENT_EVERY_SECONDS,
        "options": {"expires": 10},
    },
    "seal batches": {
        "task": "ledger.tasks.seal_batches",
        "schedule": SEAL_EVERY_SECONDS,
        "options": {"expires": 10},
    },
    "roll up": {
        "task": "ledger.tasks.roll_up",
        "schedule": ROLLUP_EVERY_SECONDS,
        "options": {"expires": 10},
    },
    "count configurations": {
        "task": "billing.tasks.count_configurations",
        "schedule": COVERAGE_COUNT_EVERY_SECONDS,
        "options": {"expires": 60},
    },
    "count scans": {
        "task": "sharing.tasks.count_scans",
        "schedule": SCANS_COUNTED_EVERY_SECONDS,
        "options": {"expires": 10},
    },
    "keep months of scans": {"task": "sharing.tasks.keep_scan_months", "schedule": timedelta(hours=1)},
    "purge pay codes": {"task": "wallets.tasks.purge_dead_pay_codes", "schedule": timedelta(hours=1)},
    "sweep pictures": {"task": "catalog.tasks.sweep", "schedule": timedelta(hours=1)},
    "purge core": {"task": "core.tasks.purge", "schedule": timedelta(hours=1)},
    "purge accounts": {"task": "accounts.tasks.purge", "schedule": timedelta(hours=1)},
    "purge messages": {"task": "notifications.tasks.purge", "schedule": timedelta(hours=1)},
}
CELERY_TASK_IGNORE_RESULT = True
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for ever: without a broker the worker still delivers
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TIMEZONE = "UTC"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1

# --- Statements that run too long are ended, so that nothing hangs ---------------------------

DATABASE_STATEMENT_TIMEOUT_MS = 30_000
DATABASE_LOCK_TIMEOUT_MS = 10_000
DATABASE_IDLE_TRANSACTION_TIMEOUT_MS = 30_000  # a frozen worker must not keep its locks, and all the others waiting
