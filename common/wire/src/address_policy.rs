//! Which addresses a validator sends requests to: on a public network, only those of the public internet.
//!
//! Anybody who registers on a subnet writes any address into the chain. A validator that sent requests to
//! all of them could be made to reach services of its own machine and network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses that requests are sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressPolicy {
    /// Only those of the public internet.
    PublicOnly,
    /// All of them: for a network of one's own.
    Any,
}

impl AddressPolicy {
    /// Whether a request may be sent to this address. Nobody listens at port 0, at no address, or at all addresses of a group.
    pub fn allows(self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        let nobody = address.port() == 0 || ip.is_unspecified() || ip.is_multicast();
        !nobody && (self == Self::Any || is_public(ip))
    }
}

/// Whether an address belongs to the public internet: the special-purpose registries of IANA (RFC 6890), as far as they
/// hold addresses at which something could answer.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let this_network = a == 0;
    // Between a provider's customers and its address translation (RFC 6598).
    let shared = a == 100 && b & 0xc0 == 64;
    let protocols = (a, b, c) == (192, 0, 0);
    let benchmarks = a == 198 && b & 0xfe == 18;
    let reserved = a >= 240;
    // Relays of 6to4, withdrawn (RFC 7526), and AS112's sinks of misdirected questions (RFC 7534, 7535).
    let relays = [
        (192, 88, 99),
        (192, 31, 196),
        (192, 52, 193),
        (192, 175, 48),
    ];
    let special = relays.contains(&(a, b, c));
    !(this_network
        || shared
        || protocols
        || benchmarks
        || reserved
        || special
        || ip.is_documentation()
        || ip.is_private()
        || ip.is_loopback()
        || ip.is_link_local()
        || ip.is_multicast())
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, third, .., high, low] = ip.segments();
    let embedded =
        |high: u16, low: u16| is_public_v4(((u32::from(high) << 16) | u32::from(low)).into());
    // An IPv4 address inside an IPv6 one: mapped, translated (RFC 6052; its local-use prefix, RFC 8215, is nobody's), 6to4.
    let translated = ip.segments()[..6] == [0x64, 0xff9b, 0, 0, 0, 0];
    if ip.to_ipv4_mapped().is_some() || translated {
        return embedded(high, low);
    }
    if first == 0x2002 {
        return embedded(second, third);
    }
    // Protocol assignments with Teredo's tunnels (2001::/23), documentation (2001:db8::/32, 3fff::/20).
    let special = (first == 0x2001 && (second < 0x200 || second == 0xdb8))
        || (first == 0x3fff && second < 0x1000);
    // Global unicast addresses are all in 2000::/3.
    first & 0xe000 == 0x2000 && !special
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_public_internet_is_public() {
        for address in [
            "8.8.8.8:1",
            "172.32.0.1:80",
            "[2606:4700::1]:80",
            "[::ffff:8.8.8.8]:1",
        ] {
            assert!(
                AddressPolicy::PublicOnly.allows(address.parse().unwrap()),
                "{address}"
            );
        }
        for address in [
            "127.0.0.1:8091",
            "0.0.0.0:8091",
            "10.1.2.3:80",
            "172.16.0.1:80",
            "192.168.1.1:80",
            "169.254.169.254:80",
            "100.64.0.1:80",
            "198.18.0.1:80",
            "224.0.0.1:80",
            "255.255.255.255:80",
            "240.0.0.1:80",
            "192.0.0.8:80",
            "192.0.2.1:80",
            "198.51.100.1:80",
            "203.0.113.1:80",
            "192.88.99.1:80",
            "127.1.2.3:80",
            "0.1.2.3:80",
            "100.127.255.255:80",
            "[::1]:80",
            "[::]:80",
            "[::127.0.0.1]:80",
            "[fe80::1]:80",
            "[febf::1]:80",
            "[fec0::1]:80",
            "[fc00::1]:80",
            "[100::1]:80",
            "[2001:db8::1]:80",
            "[2001::1]:80",
            "[3fff::1]:80",
            "[::ffff:0.0.0.0]:80",
            "[::ffff:100.64.0.1]:80",
            "[::ffff:169.254.169.254]:80",
            "[::ffff:192.0.2.1]:80",
            "[64:ff9b::a9fe:a9fe]:80",
            "[64:ff9b:1::808:808]:80",
            "[2002:a9fe:a9fe::1]:80",
            "[fd00::1]:80",
            "[ff02::1]:80",
            "[::ffff:127.0.0.1]:80",
            "[64:ff9b::7f00:1]:80",
            "[2002:7f00:1::]:80",
        ] {
            let address = address.parse().unwrap();
            assert!(!AddressPolicy::PublicOnly.allows(address), "{address}");
        }
    }

    /// On a network of one's own any machine may be asked, but nothing that is no machine.
    #[test]
    fn nobody_listens_at_port_0_at_no_address_or_at_a_group() {
        for address in [
            "8.8.8.8:0",
            "127.0.0.1:0",
            "[2606:4700::1]:0",
            "0.0.0.0:80",
            "[::]:80",
            "[::ffff:0.0.0.0]:80",
            "224.0.0.1:80",
            "[ff02::1]:80",
            "[::ffff:224.0.0.1]:80",
        ] {
            let address = address.parse().unwrap();
            assert!(!AddressPolicy::PublicOnly.allows(address), "{address}");
            assert!(!AddressPolicy::Any.allows(address), "{address}");
        }
        for address in ["127.0.0.1:80", "10.1.2.3:8091", "[::1]:80", "[fe80::1]:80"] {
            assert!(
                AddressPolicy::Any.allows(address.parse().unwrap()),
                "{address}"
            );
        }
    }
}
