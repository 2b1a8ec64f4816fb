//! Sockets that listen, and the loops that accept from them.
//!
//! The order of an end: shutdown begins; what waits in the accept queue is still taken, then the socket is closed;
//! connections end as their requests are answered; whoever is not done after `drain_timeout` is cut. An event stream
//! would be cut so: handlers that stream without end have to follow the same [`Shutdown`].

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::limits;
use crate::base::shutdown::Shutdown;
use crate::http::connection::{self, Shared};
use crate::http::limits::Limits;
use crate::http::peer::{Peer, Proxies};
use crate::http::service::Handler;

/// After an accept that failed for want of a resource, so that the loop does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Whether another process of ours may listen on the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// A second server on the port fails to start.
    Exclusive,
    /// `SO_REUSEPORT`: a new process binds beside the old one, which then drains. A client whose handshake is under way
    /// at the instant the old socket closes is reset unless `net.ipv4.tcp_migrate_req` is 1; a socket that is handed
    /// over ([`Listener::adopt`]) has no such instant.
    Shared,
}

/// A bound socket; port 0 has become a real one.
pub struct Listener {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
}

impl Listener {
    /// Binds. With a TLS configuration (see `tls::server_config`) it speaks HTTPS, without one HTTP/1 only.
    pub fn bind(address: SocketAddr, sharing: Sharing, tls: Option<Arc<rustls::ServerConfig>>) -> Result<Listener> {
        let bind = || -> io::Result<Listener> {
            let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
            socket.set_reuseaddr(true)?;
            socket.set_reuseport(sharing == Sharing::Shared)?;
            socket.bind(address)?;
            let socket = socket.listen(limits::ACCEPT_BACKLOG)?;
            let address = socket.local_addr()?;
            Ok(Listener { socket, address, tls: tls.map(TlsAcceptor::from) })
        };
        bind().map_err(|error| bind_error(address, error))
    }

    /// Takes over a socket that listens already: inherited from the process before, or from a service manager.
    pub fn adopt(socket: std::net::TcpListener, tls: Option<Arc<rustls::ServerConfig>>) -> Result<Listener> {
        let adopt = || -> io::Result<Listener> {
            socket.set_nonblocking(true)?;
            let socket = TcpListener::from_std(socket)?;
            let address = socket.local_addr()?;
            Ok(Listener { socket, address, tls: tls.map(TlsAcceptor::from) })
        };
        adopt().map_err(|error| {
            let message = format!("The inherited socket does not listen: {error}.");
            Error::new(ErrorKind::Config, "LISTENER_INVALID", message).with_source(error)
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

fn bind_error(address: SocketAddr, error: io::Error) -> Error {
    let (code, message) = match error.kind() {
        io::ErrorKind::AddrInUse => (
            "PORT_TAKEN",
            format!("Something else already listens on {address}. Stop it, or choose another address or port."),
        ),
        io::ErrorKind::PermissionDenied => (
            "PORT_FORBIDDEN",
            format!(
                "This process may not listen on {address}. Choose a port above 1023, or give the binary \
                 CAP_NET_BIND_SERVICE."
            ),
        ),
        _ => (
            "ADDRESS_INVALID",
            format!("{address} cannot be listened on. Choose an address that this machine has: {error}."),
        ),
    };
    Error::new(ErrorKind::Config, code, message).with_source(error)
}

/// What a server needs besides its handler.
#[derive(Default)]
pub struct Options {
    pub limits: Limits,
    /// Connections of these are not capped per address.
    pub proxies: Proxies,
    pub shutdown: Shutdown,
}

/// Listeners at work.
pub struct Running {
    addresses: Vec<SocketAddr>,
    loops: JoinSet<()>,
}

impl Running {
    /// In the order of the listeners.
    pub fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Returns after shutdown has begun and the last connection has ended, or was cut.
    pub async fn drained(mut self) {
        while self.loops.join_next().await.is_some() {}
    }
}

/// Serves `handler` on all of `listeners`. Needs a Tokio runtime; dropping the result stops everything at once.
pub fn serve<H: Handler>(listeners: Vec<Listener>, handler: H, options: Options) -> Running {
    let addresses = listeners.iter().map(Listener::address).collect();
    let shared = Arc::new(Shared { handler, limits: Arc::new(options.limits), shutdown: options.shutdown });
    let callers = Arc::new(Callers {
        max: shared.limits.connections_per_address_max,
        proxies: options.proxies,
        open: Mutex::default(),
    });
    let mut loops = JoinSet::new();
    for listener in listeners {
        loops.spawn(accept_loop(listener, callers.clone(), shared.clone()));
    }
    Running { addresses, loops }
}

async fn accept_loop<H: Handler>(listener: Listener, callers: Arc<Callers>, shared: Arc<Shared<H>>) {
    let Listener { socket, tls, .. } = listener;
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            accepted = socket.accept() => accepted,
            Some(_) = connections.join_next() => continue,
            // Only when nothing waits to be accepted: closing the socket resets what does.
            () = shared.shutdown.begun() => break,
        };
        match accepted {
            Ok((stream, address)) => {
                let peer = Peer {
                    address: SocketAddr::new(address.ip().to_canonical(), address.port()),
                    is_tls: tls.is_some(),
                };
                let Some(caller) = callers.admit(peer.address.ip()) else { continue };
                tune(&stream);
                let (tls, shared) = (tls.clone(), shared.clone());
                connections.spawn(async move {
                    connection::serve(stream, peer, tls, shared).await;
                    drop(caller);
                });
            }
            Err(error) if is_of_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "accepting a connection failed");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(socket);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(shared.limits.drain_timeout, all_ended).await.is_err() {
        tracing::warn!(connections = connections.len(), "connections were cut: they did not end within the drain time");
        connections.shutdown().await;
    }
}

/// A client that hung up while it waited says nothing about the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// No delay for small writes, and an end to clients that vanished: an event stream writes too little to notice.
fn tune(stream: &TcpStream) {
    let socket = SockRef::from(stream);
    let keepalive = TcpKeepalive::new().with_time(limits::SLOW_GRACE).with_interval(limits::SLOW_GRACE / 3);
    let tuned = stream
        .set_nodelay(true)
        .and_then(|()| socket.set_tcp_keepalive(&keepalive))
        .and_then(|()| socket.set_tcp_user_timeout(Some(limits::SLOW_GRACE * 2)));
    if let Err(error) = tuned {
        tracing::debug!(%error, "a socket option was not taken");
    }
}

/// Counts open connections by the socket's address.
struct Callers {
    max: Option<usize>,
    proxies: Proxies,
    open: Mutex<HashMap<IpAddr, usize>>,
}

/// Held while a connection is open.
struct Caller {
    callers: Arc<Callers>,
    address: Option<IpAddr>,
}

impl Callers {
    /// None when there are too many from this address.
    fn admit(self: &Arc<Self>, address: IpAddr) -> Option<Caller> {
        let Some(max) = self.max.filter(|_| !self.proxies.contains(address)) else {
            return Some(Caller { callers: self.clone(), address: None });
        };
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= max {
            return None;
        }
        *count += 1;
        Some(Caller { callers: self.clone(), address: Some(address) })
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        let Some(address) = self.address else { return };
        let mut open = self.callers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_a_proxy_any_number() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap()]);
        let callers = Arc::new(Callers { max: Some(2), proxies, open: Mutex::default() });
        let address = "1.2.3.4".parse().unwrap();
        let first = callers.admit(address);
        let second = callers.admit(address);
        assert!(first.is_some() && second.is_some() && callers.admit(address).is_none());
        assert!(callers.admit("1.2.3.5".parse().unwrap()).is_some());
        drop(first);
        let third = callers.admit(address);
        assert!(third.is_some());
        drop((second, third));
        assert!(callers.open.lock().unwrap().is_empty());
        let proxied: Vec<_> = (0..5).map(|_| callers.admit("10.0.0.1".parse().unwrap())).collect();
        assert!(proxied.iter().all(Option::is_some));
    }
}
