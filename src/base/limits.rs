//! Every bound of the system, in one file. Sizes are bytes and durations are [`Duration`]s unless a name says otherwise.
//! What an operator may change is a default in `config.rs` that refers to a constant here.

use std::time::Duration;

/// Wall and monotonic time may drift apart by this much before the clock is called doubtful.
pub const CLOCK_DOUBT_MAX: Duration = Duration::from_secs(300);

// HTTP: what a client may send and how slowly.
pub const HEADER_BLOCK_BYTES_MAX: usize = 16 * 1024;
pub const HEADER_FIELDS_MAX: usize = 64;
pub const URI_BYTES_MAX: usize = 4 * 1024;
pub const JSON_BODY_BYTES_MAX: usize = 64 * 1024;
/// A licence request is 30 bytes for each key it names.
pub const LICENSE_REQUEST_BYTES_MAX: usize = 4 * 1024;
pub const LICENSE_KEYS_MAX: usize = 64;
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
pub const TLS_HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(5);
/// A connection that moves fewer bytes a second than this for [`SLOW_GRACE`] is cut.
pub const SLOW_BYTES_PER_S_MIN: u64 = 500;
pub const SLOW_GRACE: Duration = Duration::from_secs(30);
pub const KEEP_ALIVE_IDLE_MAX: Duration = Duration::from_secs(75);
pub const REQUESTS_PER_CONNECTION_MAX: u64 = 10_000;
pub const CONNECTIONS_PER_ADDRESS_MAX: usize = 200;
pub const H2_STREAMS_MAX: u32 = 100;
pub const H2_STREAM_WINDOW_BYTES: u32 = 64 * 1024;
pub const H2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// Control frames (PING, SETTINGS, PRIORITY, RST_STREAM, empty DATA) a connection may send in [`H2_CONTROL_WINDOW`].
pub const H2_CONTROL_FRAMES_MAX: u32 = 1_000;
pub const H2_CONTROL_WINDOW: Duration = Duration::from_secs(10);
/// Reset streams that wait to be accepted, and streams reset for a client's own errors, before a GOAWAY.
pub const H2_RESETS_PENDING_MAX: usize = 20;
pub const H2_ERROR_RESETS_MAX: usize = 100;
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// While draining, a connection without a request is kept this long for one that may be on its way.
pub const DRAIN_IDLE_MAX: Duration = Duration::from_millis(500);
/// After a refusal a connection is read, and what is read thrown away, within these bounds, so that the answer arrives.
pub const LINGER_MAX: Duration = Duration::from_secs(2);
pub const LINGER_BYTES_MAX: usize = 1024 * 1024;
/// A line that starts a chunk of a chunked body, with its extensions.
pub const CHUNK_LINE_BYTES_MAX: usize = 256;
/// What one connection buffers of a request or of a response before it waits.
pub const CONNECTION_BUFFER_BYTES: usize = 64 * 1024;
pub const ACCEPT_BACKLOG: u32 = 1_024;
pub const DEV_CERTIFICATE_DAYS: i64 = 365;
/// rustls buffers this much plaintext per connection before it asks to be written out.
pub const TLS_BUFFER_BYTES: usize = 64 * 1024;

// Playback.
pub const TOKEN_BYTES_MAX: usize = 1024;
pub const SESSION_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
pub const LEASE_TTL: Duration = Duration::from_secs(90);
pub const HEARTBEAT_EVERY: Duration = Duration::from_secs(30);
/// How often a node asks the database for changes: revocations, clocks that started, an edited catalogue.
pub const CHANGES_EVERY: Duration = Duration::from_millis(500);
/// A node that has not heard from the database for this long stops serving paid bytes.
pub const CHANGES_SILENCE_MAX: Duration = Duration::from_secs(60);
/// How long a change stays in the log; a node that was cut off for longer reads everything anew.
pub const CHANGES_KEPT: Duration = Duration::from_secs(24 * 3600);
pub const HOUSEKEEPING_EVERY: Duration = Duration::from_secs(3600);
pub const SESSIONS_CACHED_MAX: usize = 200_000;
pub const SEGMENT_CACHE_BYTES: u64 = 512 * 1024 * 1024;
pub const ASSETS_CACHED_MAX: usize = 10_000;
/// Of films that are being packaged, each as it was after some segment.
pub const GROWING_ASSETS_CACHED_MAX: usize = 32;
pub const SEGMENT_READ_TIMEOUT: Duration = Duration::from_secs(10);

// Key servers of DRM systems.
/// An answer with four keys for three systems is about 20 KiB.
pub const KEY_SERVER_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// One attempt, from the connection to the last byte.
pub const KEY_SERVER_TIMEOUT: Duration = Duration::from_secs(10);
pub const KEY_SERVER_ATTEMPTS_MAX: u32 = 3;
/// Before the second attempt, and twice as long before each later one.
pub const KEY_SERVER_RETRY_AFTER: Duration = Duration::from_millis(500);

// What partners sign.
pub const PARTNER_TOKEN_BYTES_MAX: usize = 4 * 1024;
pub const PARTNER_SUBJECT_BYTES_MAX: usize = 255;
/// A token lasts no longer from now.
pub const PARTNER_TOKEN_AGE_MAX: Duration = Duration::from_secs(24 * 3600);
/// How far ahead a partner says until when its viewer may watch.
pub const PARTNER_WORD_AGE_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
/// Tokens of partners, good or bad.
pub const PARTNER_TOKENS_PER_ADDRESS_PER_MINUTE: u32 = 1_200;
pub const PARTNER_REPORTS_PER_MINUTE: u32 = 60;
pub const JWKS_BYTES_MAX: usize = 256 * 1024;
pub const JWKS_KEYS_MAX: usize = 100;
pub const JWKS_TIMEOUT: Duration = Duration::from_secs(5);

// Licence servers of DRM systems.
/// What a decryption module says of itself: 2 to 20 KiB.
pub const LICENSE_CHALLENGE_BYTES_MAX: usize = 64 * 1024;
pub const LICENSE_ANSWER_BYTES_MAX: usize = 256 * 1024;
/// From the connection to the last byte; players wait about twice as long.
pub const LICENSE_SERVER_TIMEOUT: Duration = Duration::from_secs(8);
/// How many challenges of all viewers wait for an answer at once.
pub const LICENSES_WAITING_MAX: usize = 256;
/// How long the licence server may take to look at a token.
pub const LICENSE_TOKEN_TTL: Duration = Duration::from_secs(60);

// XML of others.
/// CPIX nests seven elements, TTML hardly more.
pub const XML_DEPTH_MAX: usize = 32;
pub const XML_ELEMENTS_MAX: usize = 262_144;

// Commerce.
/// Far above any ticket and far below what sums of them could overflow.
pub const PRICE_MINOR_MAX: i64 = 1_000_000_000_000;
pub const IDEMPOTENCY_KEY_BYTES_MAX: usize = 255;
/// An idempotency key is remembered at least this long.
pub const IDEMPOTENCY_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
pub const PAYMENT_CALLBACK_BYTES_MAX: usize = 64 * 1024;
pub const PAYMENT_PENDING_MAX: Duration = Duration::from_secs(15 * 60);
pub const EPISODE_COINS_MAX: u32 = 100_000;
pub const COINS_PER_LOT_MAX: u32 = 1_000_000;
/// Lots of one viewer, so that a wallet is read in one go.
pub const COIN_LOTS_PER_VIEWER_MAX: usize = 1_000;

/// How long before the end of its window an offer may be sold no more.
pub const SALES_CUTOFF_MS_MAX: i64 = 30 * 24 * 3_600_000;
/// Who buys what members get within this time is told so, and has to agree.
pub const MEMBERS_SOON: Duration = Duration::from_hours(24);
/// Ten years: what a product gives for longer is a slip of the pen.
pub const PRODUCT_DAYS_MAX: u32 = 3_660;
/// Each is quoted by itself when the bundle is.
pub const BUNDLE_OFFERS_MAX: usize = 50;
/// Products and coupons of a server, those that are not sold any more included.
pub const PRODUCTS_MAX: usize = 1_000;
pub const COUPONS_MAX: usize = 10_000;
pub const COUPON_CODE_CHARS_MIN: usize = 4;
pub const COUPON_CODE_CHARS_MAX: usize = 32;
pub const COUPON_GOODS_MAX: usize = 500;
pub const VOUCHERS_PER_BATCH_MAX: u32 = 10_000;
pub const VOUCHER_AGE_MAX: Duration = Duration::from_secs(5 * 366 * 24 * 3600);
/// A code is short; a longer text is none.
pub const VOUCHER_CODE_BYTES_MAX: usize = 64;
/// Attempts at a code, right or wrong.
pub const REDEMPTIONS_PER_VIEWER_PER_MINUTE: u32 = 10;
pub const REDEMPTIONS_PER_ADDRESS_PER_MINUTE: u32 = 30;

// Storefronts.
pub const STOREFRONTS_MAX: usize = 100;
pub const STOREFRONT_HOSTS_MAX: usize = 20;
pub const STOREFRONT_SLUG_BYTES_MAX: usize = 40;
pub const LANGUAGES_MAX: usize = 20;
/// A host name (253 bytes at most) and a port.
pub const HOST_BYTES_MAX: usize = 259;

// Accounts.
pub const PASSWORD_BYTES_MAX: usize = 1024;
pub const PASSWORD_CHARS_MIN: usize = 8;
pub const PASSWORD_HASHES_AT_ONCE: usize = 2;
/// Sign-ins and sign-ups that wait for their turn at the hash; beyond this they are refused with 503.
pub const PASSWORD_HASHES_QUEUED_MAX: usize = 64;
pub const EMAIL_BYTES_MAX: usize = 254;
pub const SIGN_INS_PER_ADDRESS_PER_MINUTE: u32 = 20;
/// Of one account from one network, and of one account from everywhere: nobody locks another out on his own.
pub const SIGN_INS_PER_ACCOUNT_PER_MINUTE: u32 = 10;
pub const SIGN_INS_PER_ACCOUNT_EVERYWHERE_PER_MINUTE: u32 = 200;
pub const PURCHASES_PER_VIEWER_PER_MINUTE: u32 = 60;
pub const SESSIONS_PER_VIEWER_PER_MINUTE: u32 = 60;
/// Pages of titles for which an operator's own billing is asked.
pub const TITLE_PAGES_ASKED_PER_VIEWER_PER_MINUTE: u32 = 60;
/// Sessions that are opened without an account, by one network.
pub const ANONYMOUS_SESSIONS_PER_NETWORK_PER_MINUTE: u32 = 300;
/// An operator's sign-in to the console, and a link that lets somebody into it.
pub const CONSOLE_SIGN_IN_AGE: Duration = Duration::from_secs(12 * 3600);
pub const OPERATOR_LINK_AGE: Duration = Duration::from_secs(24 * 3600);
/// When a token was last used is noted this often.
pub const SEEN_EVERY: Duration = Duration::from_secs(600);
pub const LANGUAGE_BYTES_MAX: usize = 35;
/// Of a parental lock.
pub const PIN_DIGITS: std::ops::RangeInclusive<usize> = 4..=6;
/// Wrong ones, before none is looked at for [`PIN_LOCKED`].
pub const PIN_TRIES_MAX: u32 = 5;
pub const PIN_LOCKED: Duration = Duration::from_secs(15 * 60);
/// Everything is for viewers of 18.
pub const AGE_LIMIT_MAX: u8 = 17;
pub const MIN_AGE_MAX: u8 = 18;
/// Places that a viewer's players note: four at once, each every eight seconds.
pub const PROGRESS_PER_VIEWER_PER_MINUTE: u32 = 60;
/// Titles that a list shows a viewer's place in.
pub const PROGRESS_ROWS_MAX: i64 = 1_000;
/// Keys that a node counts by itself while the shared state is away.
pub const RATE_KEYS_MAX: usize = 10_000;
pub const API_TOKEN_AGE: Duration = Duration::from_secs(30 * 24 * 3600);
pub const OPERATOR_TOKEN_AGE: Duration = Duration::from_secs(365 * 24 * 3600);

// Lists and texts.
pub const PAGE_ROWS_DEFAULT: u32 = 50;
pub const PAGE_ROWS_MAX: u32 = 200;
pub const NAME_CHARS_MAX: usize = 200;
/// Threads of all encoders of a job together; x265 takes no more for one.
pub const ENCODER_THREADS_MAX: usize = 16;
/// Days that a holdback lasts after its event: ten years.
pub const HOLDBACK_DAYS_MAX: u16 = 3_660;
pub const DEALS_PER_TITLE_MAX: usize = 500;
/// Of a broadcast: two a week for a year.
pub const SLOTS_PER_DEAL_MAX: usize = 104;
/// Files that were sent under one deal, with those that were recalled.
pub const DELIVERIES_PER_DEAL_MAX: usize = 1_000;
/// What every JSON reader counts exactly.
pub const DELIVERY_BYTES_MAX: u64 = (1 << 53) - 1;
pub const DELIVERY_RUNTIME_MAX: Duration = Duration::from_secs(7 * 24 * 3600);
pub const PARTIES_MAX: usize = 1_000;
/// How long an answer of the operator's own billing is believed without being asked for again.
pub const ENTITLEMENT_ANSWER_KEPT: Duration = Duration::from_secs(10);
/// How long nobody asks again after it has not answered.
pub const ENTITLEMENT_SILENCE_KEPT: Duration = Duration::from_secs(2);
/// How often it is asked about a session that plays on its word.
pub const ENTITLEMENT_ASKED_EVERY: Duration = Duration::from_secs(300);
pub const ENTITLEMENT_ASKED_AT_ONCE: usize = 64;
pub const ENTITLEMENT_ANSWERS_MAX: usize = 100_000;
pub const ENTITLEMENT_ANSWER_BYTES_MAX: usize = 16 * 1024;
pub const ENTITLEMENT_STREAMS_MAX: u32 = 20;
/// Lines of the table of thresholds of the licence.
pub const THRESHOLDS_MAX: usize = 1_000;
/// An outage that lasted longer is recorded in pieces.
pub const OUTAGE_MAX: Duration = Duration::from_secs(31 * 24 * 3600);
pub const OUTAGE_TITLES_MAX: usize = 500;
/// Invitations of one title, with those that are over.
pub const SCREENERS_PER_TITLE_MAX: usize = 1_000;
pub const SCREENER_STREAMS_MAX: u32 = 10;
/// From the beginning of an invitation to its end.
pub const SCREENER_AGE_MAX: Duration = Duration::from_secs(366 * 24 * 3600);
/// `iss` of a token of others.
pub const ISSUER_BYTES_MAX: usize = 255;
pub const HOLDBACKS_PER_TITLE_MAX: usize = 500;
/// Entries of a window's list of languages.
pub const LANGUAGES_PER_AVAIL_MAX: usize = 100;
/// Windows that one change of a plan makes, moves or takes away.
pub const AVAILS_PER_CHANGE_MAX: usize = 500;
/// Conflicts and warnings that one answer names.
pub const FINDINGS_TOLD_MAX: usize = 100;
/// An Avails document that is taken over.
pub const AVAILS_DOCUMENT_BYTES_MAX: usize = 4 * 1024 * 1024;
pub const SYNOPSIS_CHARS_MAX: usize = 5_000;
pub const REASON_CHARS_MAX: usize = 500;
pub const PLANNING_NUMBER_CHARS_MAX: usize = 60;
pub const TAGLINE_CHARS_MAX: usize = 200;
/// What a list is searched for.
pub const SEARCH_CHARS_MAX: usize = 254;
pub const PARTS_PER_TITLE_MAX: usize = 200;
pub const CREDITS_PER_TITLE_MAX: usize = 100;
pub const MERCHANDISE_PER_TITLE_MAX: usize = 50;
pub const SERIES_MAX: usize = 5_000;
pub const SEASON_MAX: u32 = 999;
pub const COLLECTIONS_MAX: usize = 200;
pub const TITLES_PER_COLLECTION_MAX: usize = 100;
pub const PLACEMENTS_PER_TITLE_MAX: usize = 500;
pub const CLEAN_EDITS_PER_TITLE_MAX: usize = 200;
pub const CUES_PER_ARTICLE_MAX: usize = 20;
pub const SKU_BYTES_MAX: usize = 64;
pub const SHOP_URL_BYTES_MAX: usize = 1_000;
pub const CAMPAIGN_BYTES_MAX: usize = 64;
/// Of one network; more of them lead to the shop and are not counted.
pub const CLICKS_PER_NETWORK_PER_MINUTE: u32 = 30;
/// More words than a campaign has on one day; what comes then is counted without one.
pub const CAMPAIGNS_PER_DAY_MAX: i64 = 200;
pub const CLICK_ROWS_MAX: i64 = 10_000;
pub const PRODUCERS_PER_TITLE_MAX: usize = 20;
/// Of a title's report: anybody can make up a word.
pub const CAMPAIGN_ROWS_MAX: usize = 1_000;
pub const CLIPS_PER_TITLE_MAX: usize = 20;
pub const GENRES_PER_TITLE_MAX: usize = 6;
pub const CONTENT_RATING_CHARS_MAX: usize = 20;
pub const LANGUAGE_TAG_BYTES_MAX: usize = 35;
pub const RANK_MAX: u32 = 10_000;
pub const QUERY_CHARS_MAX: usize = 200;

// Posters: what is uploaded, and what becomes of it.
pub const POSTER_BYTES_MAX: usize = 8 * 1024 * 1024;
pub const POSTER_SIDE_MAX: u32 = 8_192;
pub const POSTER_PIXELS_MAX: u64 = 40_000_000;
/// The width of a picture that is too small to be one.
pub const POSTER_WIDTH_MIN: u32 = 200;
/// A worker that says nothing about a picture for this long is killed.
pub const PICTURE_SILENCE_MAX: Duration = Duration::from_secs(30);
/// How long a release card is shown, and how long after a session's opening the film is held back for it.
pub const RELEASE_CARD: Duration = Duration::from_secs(5);
/// The file of the font that release cards are written in.
pub const CARD_FONT_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A worker that makes a card and says nothing for so long is stopped.
pub const CARD_SILENCE_MAX: Duration = Duration::from_secs(120);
/// Pictures that are read at once; each is a process.
pub const POSTERS_AT_ONCE: usize = 2;
/// Pictures of a storyboard are at least this far apart, at most this many, and at most this wide and high.
pub const STORYBOARD_INTERVAL_MIN: Duration = Duration::from_secs(2);
pub const STORYBOARD_PICTURES_MAX: u32 = 200;
pub const STORYBOARD_SIDE_MAX: u32 = 160;
pub const STORYBOARD_SHEET_BYTES_MAX: u64 = 2 * 1024 * 1024;
pub const EXCERPT_MIN: Duration = Duration::from_secs(1);
pub const EXCERPT_MAX: Duration = Duration::from_secs(10 * 60);

// Storage.
pub const DB_READERS: u32 = 4;
/// Writes that wait for the one writer; beyond this a write is refused with 503.
pub const DB_WRITES_QUEUED_MAX: usize = 1_024;
pub const DB_BUSY_TIMEOUT: Duration = Duration::from_secs(5);
pub const STATE_TIMEOUT: Duration = Duration::from_millis(500);
/// Slots, and as many counters, that the state in memory keeps.
pub const STATE_KEYS_MAX: usize = 200_000;
/// Announcements a slow listener may lag behind; more of them say nothing new.
pub const STATE_HINTS_QUEUED_MAX: usize = 16;

// Telemetry: what is said of a playback, and how long it is kept.
/// Notes that wait to be written; beyond this they are dropped and counted.
pub const TELEMETRY_QUEUED_MAX: usize = 8_192;
/// Notes that share one transaction.
pub const TELEMETRY_BATCH_MAX: usize = 256;
/// Notes are gathered for this long before they are written.
pub const TELEMETRY_WRITE_EVERY: Duration = Duration::from_millis(250);
/// Events of one report; what comes after them is not read.
pub const TELEMETRY_EVENTS_MAX: usize = 200;
/// A code, a key or a text of a report.
pub const TELEMETRY_WORD_BYTES_MAX: usize = 64;
/// Milliseconds and bits a second beyond any film.
pub const TELEMETRY_NUMBER_MAX: u64 = 1_000_000_000_000;
pub const TELEMETRY_REPORTS_PER_SESSION_PER_MINUTE: u32 = 120;
pub const CMCD_REPORTS_PER_NETWORK_PER_MINUTE: u32 = 600;
/// One key-value list, as it is sent.
pub const CMCD_BYTES_MAX: usize = 2_048;
pub const CMCD_KEYS_MAX: usize = 64;
/// Reports in one body of event mode.
pub const CMCD_REPORTS_MAX: usize = 100;
/// Requests of one session leave a line at most this often, unless they say something new.
pub const CMCD_LINE_EVERY: Duration = Duration::from_secs(10);
/// A refusal is noted at most this often for each session and code.
pub const DENIAL_NOTED_EVERY: Duration = Duration::from_secs(10);
pub const TIMELINE_LINES_MAX: u32 = 2_000;
pub const ERROR_CODES_PER_SESSION_MAX: usize = 16;
pub const TIMELINES_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);
/// Sessions that are over; their quality of experience stays.
pub const SESSIONS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
/// Rows that one transaction removes.
pub const FORGOTTEN_AT_ONCE: u32 = 2_000;
/// Who was heard of within this long is watching now.
pub const PRESENCE_TTL: Duration = Duration::from_secs(90);
/// Sessions that are counted as watching one title.
pub const CROWD_MEMBERS_MAX: usize = 200_000;

// The board.
/// A board is computed at most this often, however many consoles look at it.
pub const BOARD_EVERY: Duration = Duration::from_secs(1);
/// A board is sent again after this long without news.
pub const BOARD_RESENT_EVERY: Duration = Duration::from_secs(15);
/// Boards of different zones and currencies that are kept.
pub const BOARDS_CACHED_MAX: usize = 64;
pub const FEEDS_OPEN_MAX: usize = 64;
/// A feed closes after this long: who opens it again is asked who they are again.
pub const FEED_AGE_MAX: Duration = Duration::from_secs(3600);
/// News a console may lag behind; one that lags further gets a fresh board.
pub const NEWS_QUEUED_MAX: usize = 256;
/// Sessions that one feed tells of in a second; the board counts the others.
pub const FEED_SESSIONS_PER_S_MAX: u32 = 20;
pub const CURRENCIES_MAX: usize = 32;
pub const HAND_ROWS_MAX: usize = 100;
/// The longest stretch that sales are shown for, and the quality of experience.
pub const SALES_RANGE_MAX: Duration = Duration::from_secs(400 * 24 * 3600);
pub const QOE_RANGE_MAX: Duration = Duration::from_secs(92 * 24 * 3600);
/// Hours are listed one by one up to this stretch.
pub const SALES_HOURS_MAX: Duration = Duration::from_secs(15 * 24 * 3600);
pub const QOE_TITLES_MAX: u32 = 200;

// Ingest: what a film may be.
pub const UPLOAD_BYTES_MAX: u64 = 200 * 1024 * 1024 * 1024;
/// How much of an upload may have to be sent again after a crash.
pub const UPLOAD_RECORDED_EVERY_BYTES: u64 = 256 * 1024 * 1024;
pub const UPLOADS_OPEN_MAX: usize = 64;
pub const UPLOAD_KEPT: Duration = Duration::from_secs(24 * 3600);
pub const VIDEO_WIDTH_MAX: u32 = 8192;
pub const VIDEO_HEIGHT_MAX: u32 = 4320;
pub const VIDEO_PIXELS_MAX: u64 = 36_000_000;
pub const VIDEO_FPS_MAX: u32 = 120;
pub const FILM_DURATION_MAX: Duration = Duration::from_secs(6 * 3600);
pub const FILM_STREAMS_MAX: usize = 32;
pub const AUDIO_CHANNELS_MAX: u32 = 8;
pub const AUDIO_TRACKS_MAX: usize = 8;
pub const TEXT_TRACKS_MAX: usize = 16;
/// Of one track: a film of six hours with a segment every second and a half.
pub const SEGMENTS_MAX: usize = 14_400;
/// A text track with every cue in every segment that it touches.
pub const TEXT_TRACK_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// A file of subtitles.
pub const TEXT_FILE_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// How much of a film anybody may be shown; by custom it is six minutes.
pub const PREVIEW_MAX: Duration = Duration::from_secs(30 * 60);
/// Of one film, however many its container names.
pub const CHAPTERS_MAX: usize = 256;
pub const CHAPTER_TITLE_LETTERS_MAX: usize = 120;
/// Captions in the pictures: two pairs in each of six hours at 30 a second, and half as many again.
pub const CAPTION_PAIRS_MAX: usize = 2_000_000;
/// Of one track: a film of six hours with a cue every two thirds of a second.
pub const TEXT_CUES_MAX: usize = 32_768;
/// The words of one track.
pub const TEXT_BYTES_MAX: usize = 4 * 1024 * 1024;
pub const WORKER_MEMORY_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// CPU seconds a worker may spend per second of film, on top of [`WORKER_CPU_BASE`].
pub const WORKER_CPU_PER_FILM_S: u64 = 20;
pub const WORKER_CPU_BASE: Duration = Duration::from_secs(60);
/// A worker that says nothing for this long is killed.
pub const WORKER_SILENCE_MAX: Duration = Duration::from_secs(120);
/// Workers that may be killed over one film of a server.
pub const WORKER_DEATHS_MAX: u32 = 3;
/// Descriptors a worker may hold: its three pipes, the film, the tracks it writes.
pub const WORKER_FILES_MAX: u64 = 64;
/// No file that a worker writes grows past this.
pub const TRACK_BYTES_MAX: u64 = UPLOAD_BYTES_MAX;
/// One line of what a worker says.
pub const WORKER_LINE_BYTES_MAX: usize = 1024 * 1024;
/// How often a worker says how far it is.
pub const WORKER_PROGRESS_EVERY: Duration = Duration::from_millis(500);
/// How often an encoded rung is made durable as far as it is, so that a job can go on from there.
pub const CHECKPOINT_EVERY: Duration = Duration::from_secs(2);
pub const JOB_LEASE_TTL: Duration = Duration::from_secs(60);
/// How often the progress of a running job is written down; its lease is renewed with it.
pub const JOB_PROGRESS_EVERY: Duration = Duration::from_secs(2);

// Inspection: of files and servers that nobody vouches for.
pub const INSPECT_PLAYLIST_BYTES_MAX: u64 = 8 * 1024 * 1024;
/// Media playlists of one presentation.
pub const INSPECT_PLAYLISTS_MAX: usize = 256;
/// What is read of one server altogether.
pub const INSPECT_BYTES_MAX: u64 = 4 * 1024 * 1024 * 1024;
/// The longest stretch that is asked for as a byte range; what is longer is asked for whole.
pub const INSPECT_RANGE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// The first read of a segment: its `moof` and the beginning of its first sample, as a rule.
pub const INSPECT_HEAD_BYTES: u64 = 16 * 1024;
/// No box but `mdat` is read that is larger.
pub const INSPECT_BOX_BYTES_MAX: u64 = 64 * 1024 * 1024;
/// Boxes of one file that are told of, and how deep they may lie in each other.
pub const INSPECT_BOXES_MAX: usize = 20_000;
pub const INSPECT_DEPTH_MAX: usize = 16;
/// Boxes that lie in no other.
pub const INSPECT_TOP_BOXES_MAX: usize = 200_000;
/// Fragments of one segment.
pub const INSPECT_FRAGMENTS_MAX: usize = 1_024;
/// Samples that one fragment may describe.
pub const INSPECT_FRAGMENT_SAMPLES_MAX: usize = 100_000;
pub const INSPECT_FINDINGS_MAX: usize = 200;
/// Findings of one check in one file; the rest of them is counted.
pub const INSPECT_FINDINGS_OF_A_KIND_MAX: usize = 3;
pub const INSPECT_REDIRECTS_MAX: usize = 5;
pub const INSPECT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub const INSPECT_SILENCE_MAX: Duration = Duration::from_secs(30);
pub const INSPECT_ANSWER_MAX: Duration = Duration::from_secs(120);
/// Segments that are asked for at once.
pub const INSPECT_READS_AT_ONCE: usize = 8;
/// Reports on assets that are kept; an asset never changes.
pub const INSPECT_REPORTS_CACHED_MAX: usize = 256;

// The segment grid.
pub const SYNC_EVERY: Duration = Duration::from_secs(2);
pub const SEGMENT_TARGET: Duration = Duration::from_secs(6);
/// A copied track gets a boundary at the first sync sample at least this long after the last one.
pub const COPIED_SEGMENT_MIN: Duration = Duration::from_secs(4);
/// A larger `moov` is left to libav; that of eight hours has some 20 MiB.
pub const MOVIE_BOX_BYTES_MAX: u64 = 64 << 20;
/// A wider gap between closed sync samples than this means the track is encoded, not copied.
pub const COPIED_SYNC_GAP_MAX: Duration = Duration::from_secs(12);
pub const SEGMENT_BYTES_MAX: u64 = 128 * 1024 * 1024;

const _: () = assert!(HEARTBEAT_EVERY.as_millis() * 3 <= LEASE_TTL.as_millis(), "a lease survives two lost heartbeats");
const _: () = assert!(CHANGES_EVERY.as_millis() * 2 <= 5_000, "a revocation arrives within the bound of the leash");
const _: () = assert!(JOB_PROGRESS_EVERY.as_millis() * 3 <= JOB_LEASE_TTL.as_millis(), "a job survives lost renewals");
const _: () = assert!(COPIED_SEGMENT_MIN.as_millis() < COPIED_SYNC_GAP_MAX.as_millis());
const _: () = assert!(SEGMENT_BYTES_MAX < SEGMENT_CACHE_BYTES, "one segment fits into the cache");
const _: () =
    assert!(HEARTBEAT_EVERY.as_millis() * 3 <= PRESENCE_TTL.as_millis(), "who holds an event stream is watching");
const _: () = assert!(TIMELINES_KEPT.as_millis() <= SESSIONS_KEPT.as_millis(), "a timeline belongs to a session");
const _: () = assert!(PAGE_ROWS_DEFAULT <= PAGE_ROWS_MAX);
