//! Which addresses the courier calls. An endpoint is whoever's its owner says: it must not be a way into
//! the house's own network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::{Host, Url};

use crate::limits::URL_BYTES_MAX;

/// How far the courier reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public addresses only, and only by TLS.
    Public,
    /// Private ones too, and without TLS: for tests, and for houses that say so.
    Private,
}

/// Why an address is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It is no address of the web.
    #[error("{0}")]
    Illegal(&'static str),
    /// It is not by TLS.
    #[error("the address must begin with https:// (courier_allow_private = true allows others)")]
    NoTls,
    /// It is within the house.
    #[error("{0} is not a public address (courier_allow_private = true allows others)")]
    NotPublic(IpAddr),
    /// Its name has no address.
    #[error("the name {0} has no address")]
    NoAddress(String),
}

/// An address that may be called as far as its text says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    url: Url,
    reach: Reach,
}

impl Target {
    /// Reads an address.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn parse(text: &str, reach: Reach) -> Result<Self, AddressError> {
        if text.len() > URL_BYTES_MAX {
            return Err(AddressError::Illegal("the address is longer than 2048 bytes"));
        }
        let url = Url::parse(text).map_err(|_| {
            AddressError::Illegal("this is no address; one is such as https://example.com/hook")
        })?;
        match (url.scheme(), reach) {
            ("https", _) | ("http", Reach::Private) => {}
            ("http", Reach::Public) => return Err(AddressError::NoTls),
            _ => return Err(AddressError::Illegal("the address must begin with https://")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Illegal("the address must hold no name and no password"));
        }
        if url.fragment().is_some() {
            return Err(AddressError::Illegal("the address must have no part behind #"));
        }
        let target = Self { url, reach };
        if let Some(ip) = target.literal() {
            target.allowed(ip)?;
        }
        Ok(target)
    }

    /// Returns the address as it is kept.
    pub fn as_str(&self) -> &str {
        self.url.as_str()
    }

    /// Returns whether it is called by TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Returns the host without the brackets of IPv6.
    pub(crate) fn host(&self) -> String {
        match self.url.host() {
            Some(Host::Ipv6(ip)) => ip.to_string(),
            Some(host) => host.to_string(),
            None => String::new(),
        }
    }

    /// Returns host and port, as the header `Host` has them.
    pub(crate) fn authority(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        self.url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
    }

    /// Returns path and query.
    pub(crate) fn path(&self) -> String {
        let path = self.url.path();
        self.url.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
    }

    /// Resolves the name, once; returns only addresses that may be called. Whoever connects to one of
    /// these connects where it was looked at, whatever the name says a moment later.
    pub(crate) async fn resolve(&self) -> Result<Vec<SocketAddr>, AddressError> {
        let port = self.url.port_or_known_default().unwrap_or(443);
        if let Some(ip) = self.literal() {
            return self.allowed(ip).map(|()| vec![SocketAddr::new(ip, port)]);
        }
        let host = self.host();
        let found = tokio::net::lookup_host((host.as_str(), port)).await;
        self.permitted(found.map_err(|_| AddressError::NoAddress(self.host()))?.collect())
    }

    /// Returns those of `found` that may be called.
    fn permitted(&self, found: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, AddressError> {
        let mut refused = AddressError::NoAddress(self.host());
        let mut permitted = Vec::new();
        for address in found {
            match self.allowed(address.ip()) {
                Ok(()) => permitted.push(address),
                Err(why) => refused = why,
            }
        }
        if permitted.is_empty() { Err(refused) } else { Ok(permitted) }
    }

    fn allowed(&self, ip: IpAddr) -> Result<(), AddressError> {
        match self.reach {
            Reach::Public if !is_public(ip) => Err(AddressError::NotPublic(ip)),
            Reach::Public | Reach::Private => Ok(()),
        }
    }

    fn literal(&self) -> Option<IpAddr> {
        match self.url.host()? {
            Host::Ipv4(ip) => Some(ip.into()),
            Host::Ipv6(ip) => Some(ip.into()),
            Host::Domain(_) => None,
        }
    }
}

/// Returns whether `ip` is globally reachable (the special-purpose registries of RFC 6890).
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !matches!(
        (a, b, c),
        (0 | 10 | 127 | 224.., ..)
            | (100, 64..=127, _)
            | (169, 254, _)
            | (172, 16..=31, _)
            | (192, 0, 0 | 2)
            | (192, 88, 99)
            | (192, 168, _)
            | (198, 18 | 19, _)
            | (198, 51, 100)
            | (203, 0, 113)
    )
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let [first, second, rest @ .., _, _] = ip.segments();
    match (first, second) {
        // NAT64 (RFC 6052): what counts is the address within.
        (0x64, 0xff9b) if rest == [0; 4] => {
            let [.., a, b, c, d] = ip.octets();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Protocols, Teredo, documentation, 6to4.
        (0x2001, 0..=0x1ff | 0xdb8) | (0x2002 | 0x3ff0..=0x3fff, _) => false,
        // Everything else that is given out; what is mapped, local, unique local or multicast is not in it.
        (0x2000..=0x3fff, _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_public_is_refused_however_it_is_written() {
        for bad in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "100.127.255.255",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "192.0.0.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "2130706433",
            "0x7f.1",
            "0177.0.0.1",
            "[::1]",
            "[::]",
            "[::ffff:127.0.0.1]",
            "[::ffff:8.8.8.8]",
            "[::7f00:1]",
            "[fc00::1]",
            "[fd12::1]",
            "[fe80::1]",
            "[fec0::1]",
            "[ff02::1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b:1::1]",
            "[2001::1]",
            "[2001:db8::1]",
            "[2002:7f00:1::]",
            "[3fff::1]",
        ] {
            let url = format!("https://{bad}/hook");
            let refused = Target::parse(&url, Reach::Public);
            assert!(matches!(refused, Err(AddressError::NotPublic(_))), "{bad}: {refused:?}");
            assert!(Target::parse(&url, Reach::Private).is_ok(), "{bad}");
        }
        for good in
            ["8.8.8.8", "100.128.0.1", "172.32.0.1", "[2606:4700::1111]", "[64:ff9b::8.8.8.8]", "example.com"]
        {
            let url = format!("https://{good}:8443/hook?a=b");
            assert!(Target::parse(&url, Reach::Public).is_ok(), "{good}");
        }
    }

    #[test]
    fn only_plain_addresses_of_the_web_are_taken_and_only_by_tls() {
        assert_eq!(Target::parse("http://example.com/", Reach::Public), Err(AddressError::NoTls));
        for bad in [
            "",
            "example.com",
            "ftp://example.com/",
            "https://a:b@example.com/",
            "https://example.com/#a",
            "https://",
        ] {
            for reach in [Reach::Public, Reach::Private] {
                assert!(matches!(Target::parse(bad, reach), Err(AddressError::Illegal(_))), "{bad}");
            }
        }
        let target = Target::parse("https://[2606:4700::1111]:8443/a?b=c", Reach::Public).expect("legal");
        let (host, authority) = (target.host(), target.authority());
        assert_eq!((host.as_str(), authority.as_str()), ("2606:4700::1111", "[2606:4700::1111]:8443"));
        assert_eq!(target.path(), "/a?b=c");
    }

    #[tokio::test]
    async fn a_name_that_leads_into_the_house_is_refused_where_it_leads() {
        let target = Target::parse("https://localhost/hook", Reach::Public).expect("a name");
        let refused = target.resolve().await;
        assert!(matches!(refused, Err(AddressError::NotPublic(_))), "{refused:?}");
        let public: SocketAddr = "8.8.8.8:443".parse().expect("an address");
        let private: SocketAddr = "10.0.0.1:443".parse().expect("an address");
        assert_eq!(target.permitted(vec![private, public]), Ok(vec![public]));
        assert!(target.permitted(vec![private]).is_err() && target.permitted(vec![]).is_err());
    }
}
