//! The bounds of a listener, gathered so that a test can draw them tighter. The defaults are those of `base/limits.rs`.

use std::time::Duration;

use crate::base::limits;

#[derive(Clone, Debug)]
pub struct Limits {
    pub head_bytes_max: usize,
    pub head_fields_max: usize,
    pub uri_bytes_max: usize,
    pub chunk_line_bytes_max: usize,
    /// From the first byte of a head to its last; also from the connection's start to the end of its first head.
    pub head_timeout: Duration,
    pub tls_handshake_timeout: Duration,
    pub slow_bytes_per_s_min: u64,
    pub slow_grace: Duration,
    pub keep_alive_idle_max: Duration,
    pub requests_per_connection_max: u64,
    /// None: no cap. A trusted proxy is never capped.
    pub connections_per_address_max: Option<usize>,
    pub h2_streams_max: u32,
    pub h2_stream_window_bytes: u32,
    pub h2_connection_window_bytes: u32,
    pub h2_control_frames_max: u32,
    pub h2_control_window: Duration,
    pub connection_buffer_bytes: usize,
    pub drain_timeout: Duration,
    pub drain_idle_max: Duration,
    pub linger_max: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            head_bytes_max: limits::HEADER_BLOCK_BYTES_MAX,
            head_fields_max: limits::HEADER_FIELDS_MAX,
            uri_bytes_max: limits::URI_BYTES_MAX,
            chunk_line_bytes_max: limits::CHUNK_LINE_BYTES_MAX,
            head_timeout: limits::HEADER_TIMEOUT,
            tls_handshake_timeout: limits::TLS_HANDSHAKE_TIMEOUT,
            slow_bytes_per_s_min: limits::SLOW_BYTES_PER_S_MIN,
            slow_grace: limits::SLOW_GRACE,
            keep_alive_idle_max: limits::KEEP_ALIVE_IDLE_MAX,
            requests_per_connection_max: limits::REQUESTS_PER_CONNECTION_MAX,
            connections_per_address_max: Some(limits::CONNECTIONS_PER_ADDRESS_MAX),
            h2_streams_max: limits::H2_STREAMS_MAX,
            h2_stream_window_bytes: limits::H2_STREAM_WINDOW_BYTES,
            h2_connection_window_bytes: limits::H2_CONNECTION_WINDOW_BYTES,
            h2_control_frames_max: limits::H2_CONTROL_FRAMES_MAX,
            h2_control_window: limits::H2_CONTROL_WINDOW,
            connection_buffer_bytes: limits::CONNECTION_BUFFER_BYTES,
            drain_timeout: limits::DRAIN_TIMEOUT,
            drain_idle_max: limits::DRAIN_IDLE_MAX,
            linger_max: limits::LINGER_MAX,
        }
    }
}

impl Limits {
    /// How often a connection is looked at: a quarter of the shortest of its bounds, so that none is overrun by more.
    pub fn tick(&self) -> Duration {
        let shortest = self.head_timeout.min(self.slow_grace).min(self.keep_alive_idle_max).min(self.h2_control_window);
        (shortest / 4).max(Duration::from_millis(5))
    }
}
