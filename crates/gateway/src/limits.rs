//! Every limit of the edge, each refused by name when it is passed.

use std::time::Duration;

/// Most bytes of copy in one push over HTTP.
pub const COPY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Most bytes that are read and dropped of copy that is too large, so that its sender hears the
/// answer instead of a broken connection.
pub const DRAIN_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Copy above this size is read on a thread of its own.
pub const INLINE_COPY_BYTES_MAX: usize = 32 * 1024;
/// Most bytes of a query.
pub const QUERY_BYTES_MAX: usize = 32 * 1024;
/// Most requests at work at once; one more is told to come again.
pub const REQUESTS_MAX: usize = 256;
/// Most readers waiting for changes at once.
pub const POLLS_MAX: usize = 2_048;
/// Most live streams open at once; one more is told to come again.
pub const STREAMS_MAX: usize = 12_288;
/// Most connections open at once; one more waits to be accepted. Each stream is one.
pub const CONNECTIONS_MAX: usize = 16_384;
/// Most pushes at work at once, HTTP and NATS together.
pub const PUSHES_MAX: usize = 64;
/// Most requests over NATS at work at once.
pub const NATS_REQUESTS_MAX: usize = 64;
/// How long what needs a second person waits for one.
pub const REQUEST_LIFE: Duration = Duration::from_hours(24);
/// How long a request waits for a place before it is told to come again.
pub const PLACE_WAIT: Duration = Duration::from_secs(1);
/// How long a request may take, the reading of its body included.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// How long the requests at work may go on after shutdown has begun.
pub const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);
/// How long a read waits for `at_least`.
pub const AT_LEAST_WAIT_MAX: Duration = Duration::from_secs(5);
/// Longest `wait` of a reader of changes, in seconds.
pub const CHANGES_WAIT_SECONDS_MAX: u64 = 60;
/// How long one request looks through changes that its filter leaves out.
pub const CHANGES_SCAN_MAX: Duration = Duration::from_secs(5);
/// Changes read from the views at a time.
pub const CHANGES_PAGE: usize = 100;
/// Most changes in one answer.
pub const CHANGES_MAX: usize = 500;
/// Most bytes of changes in one answer, save that one change is always given.
pub const CHANGES_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Stories in a page, if the caller does not say.
pub const STORIES_PAGE: usize = 50;
/// Most stories in a page.
pub const STORIES_MAX: usize = 500;
/// Revisions in a page of a history, if the caller does not say.
pub const HISTORY_PAGE: usize = 100;
/// Most revisions in a page.
pub const HISTORY_MAX: usize = 500;
/// Revisions in one part of a `TimeMap`.
pub const TIMEMAP_PAGE: usize = 1_000;
/// Most bytes of a phrase that is looked for.
pub const PHRASE_BYTES_MAX: usize = 1_000;
/// Stories in a page of those with a phrase, if the caller does not say.
pub const PHRASES_PAGE: usize = 20;
/// Most stories in such a page.
pub const PHRASES_MAX: usize = 100;
/// Most phrases looked for at once.
pub const SEARCHES_MAX: usize = 2;
/// Most entries in a feed.
pub const FEED_ENTRIES_MAX: usize = 50;
/// Most revisions in the feed of a story: each is read with the one before it.
pub const FEED_REVISIONS_MAX: usize = 20;
/// Stories on a page for readers.
pub const SHELF_PAGE: usize = 30;
/// Views that are further behind the log than this many events make the service not ready.
pub const VIEWS_LAG_READY_MAX: u64 = 10_000;
/// How long a failed append makes the service not ready, unless a later one succeeds.
pub const WRITE_FAILURE_AGE: Duration = Duration::from_secs(30);
/// Most changes kept for live streams; who is further behind reads the views.
pub const STREAM_WINDOW_CHANGES_MAX: usize = 1_024;
/// Most bytes of changes kept for live streams, as they are stored; each form that is asked for takes
/// about as much again.
pub const STREAM_WINDOW_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Changes that a live stream looks at at a time.
pub const STREAM_PAGE: usize = 64;
/// About how many bytes a live stream hands to its connection at a time, save that one change is always
/// given.
pub const STREAM_PIECE_BYTES: usize = 32 * 1024;
/// Bytes that the system keeps of what a reader of a live stream has not taken; it may keep twice as many.
pub const STREAM_SEND_BUFFER_BYTES: usize = 64 * 1024;
/// Most live streams that read the views for what they missed at once; the others wait their turn.
pub const STREAM_CATCH_UPS_MAX: usize = 8;
/// How long a live stream is silent before it says that it is alive.
pub const STREAM_HEARTBEAT: Duration = Duration::from_secs(15);
/// How long a live stream lasts, a tenth more or less: then its reader comes again.
pub const STREAM_LIFE: Duration = Duration::from_hours(1);
/// How long the reader of a live stream may take nothing of what waits for it.
pub const STREAM_STALL_TIME_MAX: Duration = Duration::from_secs(30);
/// The same once shutdown has begun.
pub const STREAM_CLOSING_TIME_MAX: Duration = Duration::from_secs(1);
/// After how long a reader whose live stream ended comes again, at least, in milliseconds.
pub const STREAM_RETRY_MS_MIN: u64 = 1_000;
/// The same, at most.
pub const STREAM_RETRY_MS_MAX: u64 = 3_000;
