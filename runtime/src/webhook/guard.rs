//! The guard against server-side request forgery: a callback URL goes in, and out comes whether requests may go there.
//!
//! Subscribers choose where the dispatcher sends requests, from inside the operator's network. So the guard judges
//! the URL when a subscription is made, and again, inside the connector, every address that is about to be dialled:
//! a name that resolved to a public address yesterday and to a private one today is refused today.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use url::{Host, Url};

/// Longer URLs are in nobody's interest.
const LONGEST_URL: usize = 2048;
/// What subscribers are told about an address that is not allowed.
pub(crate) const NOT_PUBLIC: &str = "the host is not at a public address; webhooks are sent to public addresses only";
/// How long a name may take to resolve when a subscription is made.
const RESOLVE: Duration = Duration::from_secs(5);

/// Decides where webhooks may be sent: public addresses over https, and what is allowed beside.
///
/// ```
/// # use event_api::webhook::Guard;
/// # fn main() -> Result<(), event_api::webhook::GuardError> {
/// // Services of our own network, which have no certificates:
/// let guard = Guard::public_only().allow("10.20.0.0/16")?.allow("billing.internal")?.allow_http();
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Guard {
    networks: Vec<IpNet>,
    hosts: Vec<String>,
    http: bool,
    resolver: Arc<dyn Resolve>,
}

/// Finds the addresses of a name. The guard judges what it answers, and nothing else is dialled.
#[async_trait]
pub trait Resolve: Send + Sync + 'static {
    /// The addresses of `host`.
    ///
    /// # Errors
    /// When the name does not resolve now.
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// The system's resolver.
struct System;

#[async_trait]
impl Resolve for System {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        // The port is no part of the question, only of the function's signature.
        Ok(tokio::net::lookup_host((host, 0)).await?.map(|address| address.ip()).collect())
    }
}

/// Why no request may be sent there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GuardError {
    /// Not an absolute URL with a host.
    #[error("{0:?} is no absolute URL with a host")]
    NotAUrl(String),
    /// Too long.
    #[error("the URL is longer than {LONGEST_URL} characters")]
    TooLong,
    /// Neither https, nor http where that is allowed.
    #[error("the URL's scheme is {0:?}; webhooks are sent over https")]
    Scheme(String),
    /// A user name or password in the URL.
    #[error("the URL contains a user name or password; deliveries prove themselves by their signature")]
    Credentials,
    /// An address that is not public.
    #[error("{host} is at {address}, {kind}; webhooks are sent to public addresses and to what is allow-listed")]
    Address {
        /// The host of the URL.
        host: String,
        /// The address that it has.
        address: IpAddr,
        /// What kind of address that is.
        kind: &'static str,
    },
    /// An allowance that is neither a network, nor an address, nor a host name.
    #[error("{0:?} is neither a network like `10.0.0.0/8`, nor an address, nor a host name")]
    Allowance(String),
}

impl GuardError {
    /// What whoever chose the URL may know: not which internal address a name has, which would let anybody map the
    /// operator's network by subscribing.
    pub(crate) fn public(&self) -> String {
        match self {
            GuardError::Address { .. } => NOT_PUBLIC.to_owned(),
            error => error.to_string(),
        }
    }
}

impl Guard {
    /// https to public addresses only.
    pub fn public_only() -> Self {
        Guard { networks: Vec::new(), hosts: Vec::new(), http: false, resolver: Arc::new(System) }
    }

    /// Allows a network (`10.0.0.0/8`), an address, or a host name with whatever addresses it has. The guard stays
    /// on for everything else.
    ///
    /// # Errors
    /// [`GuardError::Allowance`] when `allowance` is none of these.
    pub fn allow(mut self, allowance: &str) -> Result<Self, GuardError> {
        let invalid = || GuardError::Allowance(allowance.to_owned());
        if let Ok(network) = allowance.parse::<IpNet>() {
            self.networks.push(network);
        } else if let Ok(address) = allowance.parse::<IpAddr>() {
            self.networks.push(address.into());
        } else {
            match Host::parse(allowance).map_err(|_| invalid())? {
                Host::Domain(name) => self.hosts.push(canonical(&name).to_owned()),
                Host::Ipv4(_) | Host::Ipv6(_) => return Err(invalid()),
            }
        }
        Ok(self)
    }

    /// Allows http beside https.
    #[must_use]
    pub fn allow_http(mut self) -> Self {
        self.http = true;
        self
    }

    /// Resolves names with `resolver` instead of the system's.
    #[must_use]
    pub fn resolver(mut self, resolver: impl Resolve) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// Judges a callback URL as it can be judged now: its form, and the addresses that its host has.
    ///
    /// A name that does not resolve now is accepted: no request can go anywhere, and every delivery asks again.
    ///
    /// # Errors
    /// When no request may be sent there.
    pub async fn check(&self, url: &str) -> Result<Url, GuardError> {
        let url = self.check_form(url)?;
        if let Some(Host::Domain(name)) = url.host()
            && let Ok(Ok(addresses)) = tokio::time::timeout(RESOLVE, self.resolver.resolve(name)).await
        {
            self.vet(name, addresses)?;
        }
        Ok(url)
    }

    /// Judges what the URL alone tells: scheme, credentials, literal addresses however they are spelt.
    pub(crate) fn check_form(&self, url: &str) -> Result<Url, GuardError> {
        if url.len() > LONGEST_URL {
            return Err(GuardError::TooLong);
        }
        let mut parsed = Url::parse(url).map_err(|_| GuardError::NotAUrl(url.to_owned()))?;
        if !(parsed.scheme() == "https" || (self.http && parsed.scheme() == "http")) {
            return Err(GuardError::Scheme(parsed.scheme().to_owned()));
        }
        if !parsed.username().is_empty() || parsed.password().is_some() {
            return Err(GuardError::Credentials);
        }
        match parsed.host() {
            // The url crate has read `2130706433`, `0x7f.1`, `0177.0.0.1` and `127.0.0.1.` as the address that they are.
            Some(Host::Ipv4(address)) => _ = self.vet(&address.to_string(), vec![address.into()])?,
            Some(Host::Ipv6(address)) => _ = self.vet(&address.to_string(), vec![address.into()])?,
            Some(Host::Domain(_)) => {}
            None => return Err(GuardError::NotAUrl(url.to_owned())),
        }
        // Never sent, so never kept.
        parsed.set_fragment(None);
        Ok(parsed)
    }

    /// Those of `addresses` that may be dialled for `host`.
    fn vet(&self, host: &str, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, GuardError> {
        if self.hosts.iter().any(|allowed| allowed == &canonical(host).to_ascii_lowercase()) {
            return Ok(addresses);
        }
        let mut refusal = None;
        let mut allowed = Vec::with_capacity(addresses.len());
        for address in addresses {
            match not_public(address) {
                Some(kind) if !self.allows(address) => {
                    refusal = Some(GuardError::Address { host: host.to_owned(), address, kind });
                }
                _ => allowed.push(address),
            }
        }
        match refusal {
            Some(refusal) if allowed.is_empty() => Err(refusal),
            _ => Ok(allowed),
        }
    }

    fn allows(&self, address: IpAddr) -> bool {
        // `::ffff:10.0.0.1` is dialled as 10.0.0.1, so that is what an allowance of it means.
        let address = address.to_canonical();
        self.networks.iter().any(|network| network.contains(&address))
    }
}

#[cfg(feature = "client")]
#[async_trait]
impl crate::http_client::Addresses for Guard {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let found = match host.parse::<IpAddr>() {
            Ok(literal) => vec![literal],
            Err(_) => self.resolver.resolve(host).await?,
        };
        self.vet(host, found).map_err(|refusal| {
            let refused = crate::http_client::Refused(refusal.to_string());
            io::Error::new(io::ErrorKind::PermissionDenied, refused)
        })
    }
}

impl Default for Guard {
    fn default() -> Self {
        Guard::public_only()
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("networks", &self.networks)
            .field("hosts", &self.hosts)
            .field("http", &self.http)
            .finish_non_exhaustive()
    }
}

/// Names are compared without the dot that makes them absolute.
fn canonical(host: &str) -> &str {
    host.strip_suffix('.').unwrap_or(host)
}

/// What kind of address it is, if it is not a public unicast one.
fn not_public(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => not_public_v4(address),
        IpAddr::V6(address) => not_public_v6(address),
    }
}

/// The IANA special-purpose registry, and the one metadata service that stands at a public address.
fn not_public_v4(address: Ipv4Addr) -> Option<&'static str> {
    const fn net(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
        Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
    }
    const SPECIAL: &[(Ipv4Net, &str)] = &[
        (net(0, 0, 0, 0, 8), "an unspecified address"),
        (net(10, 0, 0, 0, 8), "a private address"),
        (net(100, 64, 0, 0, 10), "a carrier's shared address"),
        (net(127, 0, 0, 0, 8), "a loopback address"),
        (net(168, 63, 129, 16, 32), "a cloud's metadata service"),
        (net(169, 254, 0, 0, 16), "a link-local address, where clouds have their metadata service"),
        (net(172, 16, 0, 0, 12), "a private address"),
        (net(192, 0, 0, 0, 24), "an address for protocol assignments"),
        (net(192, 0, 2, 0, 24), "a documentation address"),
        (net(192, 88, 99, 0, 24), "a 6to4 relay"),
        (net(192, 168, 0, 0, 16), "a private address"),
        (net(198, 18, 0, 0, 15), "a benchmarking address"),
        (net(198, 51, 100, 0, 24), "a documentation address"),
        (net(203, 0, 113, 0, 24), "a documentation address"),
        (net(224, 0, 0, 0, 4), "a multicast address"),
        (net(240, 0, 0, 0, 4), "a reserved or broadcast address"),
    ];
    SPECIAL.iter().find(|(network, _)| network.contains(&address)).map(|(_, kind)| *kind)
}

/// Only 2000::/3 is assigned as global unicast; of it, the special-purpose blocks are refused. Forms that carry an
/// IPv4 address are judged as that address.
fn not_public_v6(address: Ipv6Addr) -> Option<&'static str> {
    const fn net(a: u16, b: u16, c: u16, prefix: u8) -> Ipv6Net {
        Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), prefix)
    }
    const SPECIAL: &[(Ipv6Net, &str)] = &[
        (net(0x2001, 0, 0, 23), "an address for protocol assignments"),
        (net(0x2001, 0xdb8, 0, 32), "a documentation address"),
        (net(0x3fff, 0, 0, 20), "a documentation address"),
    ];
    const GLOBAL_UNICAST: Ipv6Net = net(0x2000, 0, 0, 3);
    // RFC 6052, section 2.1: the well-known prefix; 64:ff9b:1::/48 is for local use and falls to the rule below.
    const NAT64: Ipv6Net = net(0x64, 0xff9b, 0, 96);

    let segments = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    if let Some(mapped) = address.to_ipv4_mapped() {
        return not_public_v4(mapped);
    }
    if NAT64.contains(&address) {
        return not_public_v4(v4(segments[6], segments[7]));
    }
    if segments[0] == 0x2002 {
        return not_public_v4(v4(segments[1], segments[2]));
    }
    match address {
        Ipv6Addr::UNSPECIFIED => Some("an unspecified address"),
        Ipv6Addr::LOCALHOST => Some("a loopback address"),
        _ if address.is_multicast() => Some("a multicast address"),
        _ if address.is_unicast_link_local() => Some("a link-local address"),
        _ if address.is_unique_local() => Some("a private address"),
        _ if !GLOBAL_UNICAST.contains(&address) => Some("an address outside of the global unicast space"),
        _ => SPECIAL.iter().find(|(network, _)| network.contains(&address)).map(|(_, kind)| *kind),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REFUSED: &[&str] = &[
        // IPv4, each block at both ends.
        "0.0.0.0",
        "0.255.255.255",
        "10.0.0.0",
        "10.255.255.255",
        "100.64.0.0",
        "100.127.255.255",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.0.0",
        "169.254.169.254",
        "172.16.0.0",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.0.0",
        "192.168.255.255",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.255",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        // IPv6.
        "::",
        "::1",
        "::127.0.0.1",
        "::8.8.8.8",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2002:c0a8:101::",
        "3fff:fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fec0::1",
        "ff02::1",
    ];

    const PUBLIC: &[&str] = &[
        "1.1.1.1",
        "8.8.8.8",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "192.169.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2a00:1450:4001:80b::200e",
        "::ffff:8.8.8.8",
        "64:ff9b::8.8.8.8",
        "2002:808:808::1",
    ];

    fn url(address: IpAddr) -> String {
        match address {
            IpAddr::V4(address) => format!("https://{address}/hook"),
            IpAddr::V6(address) => format!("https://[{address}]/hook"),
        }
    }

    #[test]
    fn special_addresses_are_refused_and_public_ones_are_not() {
        let guard = Guard::public_only();
        for refused in REFUSED {
            let result = guard.check_form(&url(refused.parse().unwrap()));
            assert!(matches!(result, Err(GuardError::Address { .. })), "{refused}: {result:?}");
        }
        for public in PUBLIC {
            guard.check_form(&url(public.parse().unwrap())).unwrap();
        }
    }

    #[test]
    fn odd_spellings_of_an_address_are_that_address() {
        let guard = Guard::public_only().allow_http();
        for host in [
            "2130706433",
            "0x7f000001",
            "0x7f.1",
            "127.1",
            "0177.0.0.1",
            "0177.0.0.01",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.０.０.１",
            "127。0。0。1",
            "[::ffff:7f00:1]",
            "[0:0:0:0:0:ffff:127.0.0.1]",
            "[0000::1]",
            "0",
            "2852039166",
        ] {
            let result = guard.check_form(&format!("http://{host}/"));
            assert!(matches!(result, Err(GuardError::Address { .. })), "{host}: {result:?}");
        }
    }

    #[test]
    fn a_url_must_be_https_with_a_host_and_without_credentials() {
        let guard = Guard::public_only();
        assert_eq!(guard.check_form("http://example.com/"), Err(GuardError::Scheme("http".to_owned())));
        assert_eq!(guard.check_form("ftp://example.com/"), Err(GuardError::Scheme("ftp".to_owned())));
        assert_eq!(guard.check_form("https://user:pass@example.com/"), Err(GuardError::Credentials));
        for text in ["", "example.com/hook", "/hook", "https://", "https:///", "https://exa mple.com/", "https://[::1/"]
        {
            assert_eq!(guard.check_form(text), Err(GuardError::NotAUrl(text.to_owned())), "{text:?}");
        }
        assert_eq!(guard.check_form(&format!("https://example.com/{}", "a".repeat(3000))), Err(GuardError::TooLong));
        assert_eq!(guard.check_form("https://Example.com/a#b").unwrap().as_str(), "https://example.com/a");
        assert!(guard.allow_http().check_form("http://example.com/").is_ok());
    }

    #[test]
    fn an_allowance_opens_what_it_names_and_nothing_else() {
        let guard = Guard::public_only().allow("10.1.0.0/16").unwrap().allow("::1").unwrap();
        for allowed in ["10.1.2.3", "::ffff:10.1.2.3", "::1"] {
            guard.check_form(&url(allowed.parse().unwrap())).unwrap();
        }
        for refused in ["10.2.0.1", "127.0.0.1", "64:ff9b::10.1.0.1"] {
            guard.check_form(&url(refused.parse().unwrap())).unwrap_err();
        }
        for nonsense in ["10.0.0.0/33", "", "a b", "10.0.0", "https://internal/"] {
            assert!(Guard::public_only().allow(nonsense).is_err(), "{nonsense:?}");
        }
    }

    struct Fixed(&'static [&'static str]);

    #[async_trait]
    impl Resolve for Fixed {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            match self.0 {
                [] => Err(io::Error::other("no such name")),
                addresses => Ok(addresses.iter().map(|address| address.parse().unwrap()).collect()),
            }
        }
    }

    #[tokio::test]
    async fn names_are_judged_by_the_addresses_that_they_have() {
        let check = async |addresses: &'static [&'static str], allowance: &str| {
            let guard = Guard::public_only().resolver(Fixed(addresses)).allow(allowance).unwrap();
            guard.check("https://hooks.example/").await
        };
        assert!(check(&["127.0.0.1"], "10.0.0.0/8").await.is_err());
        assert!(check(&["::1", "10.0.0.1"], "192.168.0.0/16").await.is_err());
        assert!(check(&["8.8.8.8"], "10.0.0.0/8").await.is_ok());
        assert!(check(&["127.0.0.1"], "127.0.0.0/8").await.is_ok());
        assert!(check(&["127.0.0.1"], "Hooks.Example.").await.is_ok());
        assert!(check(&["127.0.0.1"], "other.example").await.is_err());
        assert!(check(&[], "10.0.0.0/8").await.is_ok(), "what does not resolve is judged when it does");
    }

    #[cfg(feature = "client")]
    #[tokio::test]
    async fn only_the_allowed_addresses_of_a_name_are_dialled() {
        use crate::http_client::Addresses;
        let guard = Guard::public_only().resolver(Fixed(&["127.0.0.1", "8.8.8.8", "::1"]));
        assert_eq!(guard.addresses("hooks.example").await.unwrap(), ["8.8.8.8".parse::<IpAddr>().unwrap()]);
        assert!(guard.addresses("127.0.0.1").await.is_err());
    }
}
