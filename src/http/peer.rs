//! Who is at the other end: the socket's address, or, behind configured proxies, the one they vouch for.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The network of one client: one line of an access network, not one of its devices.
const NETWORK_BITS_V4: u8 = 24;
const NETWORK_BITS_V6: u8 = 48;

/// The other end of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    /// The socket's; an IPv4 client of an IPv6 socket is shown as IPv4.
    pub address: SocketAddr,
    pub is_tls: bool,
}

/// The proxies an operator has configured; by default none, and then `X-Forwarded-For` means nothing.
#[derive(Clone, Debug, Default)]
pub struct Proxies(Vec<IpNet>);

impl Proxies {
    pub fn new(networks: Vec<IpNet>) -> Proxies {
        Proxies(networks)
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(&address))
    }

    /// The client's address: the socket's, unless that is a proxy of ours; then the rightmost one in
    /// `X-Forwarded-For` that is not. Whatever stands left of the first stranger is the stranger's word.
    pub fn client_address(&self, peer: &Peer, headers: &HeaderMap) -> IpAddr {
        let mut address = peer.address.ip();
        if self.0.is_empty() {
            return address;
        }
        let mut lines: Vec<&str> = Vec::new();
        for line in headers.get_all(X_FORWARDED_FOR) {
            lines.extend(line.to_str().unwrap_or("?").split(','));
        }
        for hop in lines.into_iter().rev() {
            if !self.contains(address) {
                break;
            }
            // A hop that cannot be read leaves the proxy that wrote it.
            let Some(next) = parse_hop(hop.trim()) else { break };
            address = next;
        }
        address
    }
}

/// The key under which sessions of one client count as one: /24 of IPv4, /48 of IPv6.
pub fn client_network(address: IpAddr) -> IpNet {
    match address.to_canonical() {
        IpAddr::V4(v4) => Ipv4Net::new_assert(v4, NETWORK_BITS_V4).trunc().into(),
        IpAddr::V6(v6) => Ipv6Net::new_assert(v6, NETWORK_BITS_V6).trunc().into(),
    }
}

/// An address, as some proxies write it with a port.
fn parse_hop(hop: &str) -> Option<IpAddr> {
    let address = hop.parse().ok().or_else(|| hop.parse::<SocketAddr>().ok().map(|with_port| with_port.ip()));
    address.or_else(|| hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok()).map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_configured_proxies_are_believed() {
        let proxies = Proxies::new(vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()]);
        let none = Proxies::default();
        for (proxies, socket, forwarded, client) in [
            (&none, "10.0.0.1", &["1.2.3.4"][..], "10.0.0.1"),
            (&proxies, "9.9.9.9", &["1.2.3.4"], "9.9.9.9"),
            (&proxies, "10.0.0.1", &[], "10.0.0.1"),
            (&proxies, "10.0.0.1", &["1.2.3.4"], "1.2.3.4"),
            (&proxies, "10.0.0.1", &["6.6.6.6, 1.2.3.4"], "1.2.3.4"),
            (&proxies, "10.0.0.1", &["6.6.6.6, 1.2.3.4 ,10.9.9.9"], "1.2.3.4"),
            (&proxies, "10.0.0.1", &["6.6.6.6", "1.2.3.4, fd00::7"], "1.2.3.4"),
            (&proxies, "10.0.0.1", &["1.2.3.4, unknown"], "10.0.0.1"),
            (&proxies, "10.0.0.1", &["1.2.3.4:555"], "1.2.3.4"),
            (&proxies, "10.0.0.1", &["[2001:db8::1]:5"], "2001:db8::1"),
            (&proxies, "10.0.0.1", &["::ffff:1.2.3.4"], "1.2.3.4"),
            (&proxies, "10.0.0.1", &["10.0.0.2, 10.0.0.3"], "10.0.0.2"),
        ] {
            let mut headers = HeaderMap::new();
            for line in forwarded {
                headers.append(X_FORWARDED_FOR, line.parse().unwrap());
            }
            let peer = Peer { address: SocketAddr::new(socket.parse().unwrap(), 1), is_tls: true };
            let expected: IpAddr = client.parse().unwrap();
            assert_eq!(proxies.client_address(&peer, &headers), expected, "{socket} {forwarded:?}");
        }
    }

    #[test]
    fn a_network_is_a_line_not_a_device() {
        assert_eq!(client_network("1.2.3.4".parse().unwrap()).to_string(), "1.2.3.0/24");
        assert_eq!(client_network("::ffff:1.2.3.4".parse().unwrap()).to_string(), "1.2.3.0/24");
        assert_eq!(client_network("2001:db8:1:2::3".parse().unwrap()).to_string(), "2001:db8:1::/48");
    }
}
