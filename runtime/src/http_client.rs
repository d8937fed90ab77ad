//! Outgoing HTTP for the feed consumer and the webhook dispatcher: one request in, a status, headers and a bounded
//! body out.
//!
//! Redirects are never followed here: whoever follows one decides on the new address anew. Which addresses may be
//! dialled for a host is asked of [`Addresses`] inside the connector, so that what was vetted is what is dialled.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderValue, USER_AGENT};
use http::{StatusCode, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::{CertificateError, ClientConfig};
use tokio::time::{Instant, timeout_at};
use tower_service::Service;

use crate::roots::Roots;

/// Responses are small in both protocols; what is larger is not meant for us.
const DEFAULT_BODY_LIMIT: usize = 16 * 1024 * 1024;
/// Shorter than the idle limits of common servers, so that a reused connection is rarely one that they just closed.
const IDLE: Duration = Duration::from_secs(30);
/// Of all addresses of a host together; a per-request timeout may end it earlier.
const CONNECT: Duration = Duration::from_secs(10);

/// Which addresses may be dialled for a host.
#[async_trait]
pub(crate) trait Addresses: Send + Sync + 'static {
    /// The addresses of `host`, a name or an address literal without brackets. An error is an answer too: a refusal
    /// is told apart by being [`Refused`].
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// Every address that the system's resolver knows.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct AnyAddress;

#[async_trait]
impl Addresses for AnyAddress {
    async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if let Ok(literal) = host.parse::<IpAddr>() {
            return Ok(vec![literal]);
        }
        // The port is no part of the question, only of the function's signature.
        let found = tokio::net::lookup_host((host, 0)).await?;
        Ok(found.map(|address| address.ip()).collect())
    }
}

/// A host that must not be dialled, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// What to do with a response body over the limit.
#[derive(Clone, Copy, Debug)]
pub(crate) enum BodyLimit {
    /// Fail: the body is what was asked for.
    Refuse(usize),
    /// Keep the beginning: only the status matters, and the body is for the record.
    Truncate(usize),
}

/// A pool of connections. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Client {
    pool: hyper_util::client::legacy::Client<HttpsConnector<Connector>, Full<Bytes>>,
    limit: BodyLimit,
}

/// What came back, whatever its status.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ClientError {
    /// The host's address may not be dialled.
    #[error("the request was not sent: {0}")]
    Refused(Refused),
    /// No connection: name, network, or TLS but for certificates.
    #[error("cannot connect to {host}: {}", root_cause(.source.as_ref()))]
    Connect { host: String, source: Box<dyn Error + Send + Sync> },
    /// No trusted authority has issued the server's certificate.
    #[error(
        "no trusted authority has issued the certificate of {host}; if a private one has, add it with `root_certificate`"
    )]
    UnknownAuthority { host: String },
    /// The server's certificate is wrong in another way.
    #[error("the certificate of {host} is refused: {reason}")]
    Certificate { host: String, reason: String },
    /// The exchange broke off.
    #[error("the exchange with {host} failed: {}", root_cause(.source.as_ref()))]
    Exchange { host: String, source: Box<dyn Error + Send + Sync> },
    /// The whole exchange took too long.
    #[error("{host} did not answer within {} s", .after.as_secs_f32())]
    Timeout { host: String, after: Duration },
    /// The response is larger than the client takes.
    #[error("the response of {host} is larger than {limit} bytes")]
    TooLarge { host: String, limit: usize },
}

impl Client {
    /// A client that dials what `addresses` allows, and trusts `roots` beside the public authorities.
    pub(crate) fn new(addresses: impl Addresses, roots: Roots) -> Self {
        let addresses: Arc<dyn Addresses> = Arc::new(addresses);
        let mut http = HttpConnector::new_with_resolver(Resolver(Arc::clone(&addresses)));
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(CONNECT));
        let tls = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            // Fails only for a provider that shares no cipher suite with TLS 1.2 and 1.3; ring has suites of both.
            .expect("ring supports the protocol versions that rustls calls safe")
            .with_root_certificates(roots.into_store())
            .with_no_client_auth();
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls)
            .https_or_http()
            .enable_http1()
            .wrap_connector(Connector { http, addresses });
        let pool = hyper_util::client::legacy::Client::builder(TokioExecutor::new())
            .pool_idle_timeout(IDLE)
            .pool_timer(TokioTimer::new())
            .build(connector);
        Client { pool, limit: BodyLimit::Refuse(DEFAULT_BODY_LIMIT) }
    }

    /// How much of a response body is taken.
    #[must_use]
    pub(crate) fn body_limit(mut self, limit: BodyLimit) -> Self {
        self.limit = limit;
        self
    }

    /// Sends `request`, and waits at most `timeout` for the whole of the response.
    pub(crate) async fn send(&self, request: http::Request<Bytes>, timeout: Duration) -> Result<Response, ClientError> {
        self.open(request, timeout).await?.whole().await
    }

    /// Sends `request`, and waits at most `timeout` for the head of the response.
    pub(crate) async fn open(
        &self,
        mut request: http::Request<Bytes>,
        timeout: Duration,
    ) -> Result<Opened, ClientError> {
        let deadline = Instant::now() + timeout;
        let host = request.uri().host().unwrap_or_default().to_owned();

        let agent = HeaderValue::from_static(concat!("event-api/", env!("CARGO_PKG_VERSION")));
        request.headers_mut().entry(USER_AGENT).or_insert(agent);
        let Ok(answer) = timeout_at(deadline, self.pool.request(request.map(Full::new))).await else {
            return Err(ClientError::Timeout { host, after: timeout });
        };
        let response = answer.map_err(|error| failure(&host, error))?;
        Ok(Opened { host, response, limit: self.limit, deadline, timeout })
    }
}

/// A response of which the head has come.
pub(crate) struct Opened {
    host: String,
    response: http::Response<Incoming>,
    limit: BodyLimit,
    deadline: Instant,
    timeout: Duration,
}

impl Opened {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The whole of it, within the time that the request was given.
    pub(crate) async fn whole(self) -> Result<Response, ClientError> {
        let Opened { host, response, limit, deadline, timeout } = self;
        let (head, body) = response.into_parts();
        let body = match limit {
            BodyLimit::Refuse(limit) => match timeout_at(deadline, whole(&host, body, limit)).await {
                Ok(body) => body?,
                Err(_) => return Err(ClientError::Timeout { host, after: timeout }),
            },
            BodyLimit::Truncate(limit) => beginning(body, limit, deadline).await,
        };
        Ok(Response { status: head.status, headers: head.headers, body })
    }

    /// The next piece of a body that comes bit by bit, however long it takes; `None` at its end.
    pub(crate) async fn piece(&mut self) -> Option<Result<Bytes, ClientError>> {
        loop {
            let frame = match self.response.frame().await? {
                Ok(frame) => frame,
                Err(error) => return Some(Err(self.broken(error))),
            };
            // What is no data are trailers.
            if let Ok(data) = frame.into_data() {
                return Some(Ok(data));
            }
        }
    }

    /// The connection, when the server has switched to another protocol.
    #[cfg(feature = "websocket")]
    pub(crate) async fn upgraded(mut self) -> Result<hyper::upgrade::Upgraded, ClientError> {
        hyper::upgrade::on(&mut self.response).await.map_err(|error| self.broken(error))
    }

    fn broken(&self, error: hyper::Error) -> ClientError {
        ClientError::Exchange { host: self.host.clone(), source: Box::new(error) }
    }
}

/// The body, if it is not larger than `limit`.
async fn whole(host: &str, mut body: Incoming, limit: usize) -> Result<Bytes, ClientError> {
    let too_large = || ClientError::TooLarge { host: host.to_owned(), limit };
    // A declared length saves reading what is refused anyway.
    if body.size_hint().lower() > u64::try_from(limit).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut collected = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| ClientError::Exchange { host: host.to_owned(), source: Box::new(error) })?;
        let Ok(data) = frame.into_data() else { continue };
        if data.len() > limit - collected.len() {
            return Err(too_large());
        }
        collected.extend_from_slice(&data);
    }
    Ok(collected.freeze())
}

/// The first `limit` bytes of what arrives in time. The status has arrived and says what happened, so a body that
/// breaks off is no failure.
async fn beginning(mut body: Incoming, limit: usize, deadline: Instant) -> Bytes {
    let mut collected = BytesMut::new();
    while collected.len() < limit {
        let Ok(Some(Ok(frame))) = timeout_at(deadline, body.frame()).await else { break };
        if let Ok(data) = frame.into_data() {
            collected.extend_from_slice(&data[..data.len().min(limit - collected.len())]);
        }
    }
    collected.freeze()
}

fn failure(host: &str, error: hyper_util::client::legacy::Error) -> ClientError {
    if let Some(refused) = find::<Refused>(&error) {
        return ClientError::Refused(refused.clone());
    }
    let host = host.to_owned();
    match find::<rustls::Error>(&error) {
        // A signature is bad where a trusted authority has the issuer's name and another key.
        Some(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer | CertificateError::BadSignature)) => {
            ClientError::UnknownAuthority { host }
        }
        Some(refused @ rustls::Error::InvalidCertificate(_)) => {
            ClientError::Certificate { host, reason: refused.to_string() }
        }
        _ if error.is_connect() => ClientError::Connect { host, source: Box::new(error) },
        _ => ClientError::Exchange { host, source: Box::new(error) },
    }
}

/// An `E` among the causes of `error`.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // `io::Error::source` is the source of the error that it wraps, not that error itself.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    None
}

/// The innermost message: outer ones say "client error (Connect)".
fn root_cause(error: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut root: &(dyn Error + 'static) = error;
    while let Some(source) = root.source() {
        root = source;
    }
    root.to_string()
}

/// Dials over TCP what [`Addresses`] allows.
#[derive(Clone)]
struct Connector {
    http: HttpConnector<Resolver>,
    addresses: Arc<dyn Addresses>,
}

type Dialled = <HttpConnector<Resolver> as Service<Uri>>::Response;

impl Service<Uri> for Connector {
    type Response = Dialled;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Dialled, Self::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.http.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        // `poll_ready` readied this instance, so the clone stays behind.
        let clone = self.http.clone();
        let mut http = std::mem::replace(&mut self.http, clone);
        let addresses = Arc::clone(&self.addresses);
        Box::pin(async move {
            // The HTTP connector dials literals without asking its resolver.
            let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
            if host.parse::<IpAddr>().is_ok() {
                addresses.addresses(host).await?;
            }
            Ok(http.call(uri).await?)
        })
    }
}

/// [`Addresses`] as the connector's resolver: it dials what this returns and nothing else.
#[derive(Clone)]
struct Resolver(Arc<dyn Addresses>);

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let addresses = Arc::clone(&self.0);
        Box::pin(async move {
            let found = addresses.addresses(name.as_str()).await?;
            // The connector puts the URL's port in place of 0.
            Ok(found.into_iter().map(|ip| SocketAddr::new(ip, 0)).collect::<Vec<_>>().into_iter())
        })
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// A server that answers every request with `answer` and counts connections.
    async fn server(answer: &'static str) -> (SocketAddr, tokio::sync::watch::Receiver<usize>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (count, counted) = tokio::sync::watch::channel(0);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                count.send_modify(|count| *count += 1);
                tokio::spawn(async move {
                    let mut buffer = [0; 4096];
                    while stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                        stream.write_all(answer.as_bytes()).await.unwrap();
                    }
                });
            }
        });
        (address, counted)
    }

    fn get(url: impl std::fmt::Display) -> http::Request<Bytes> {
        http::Request::get(url.to_string()).body(Bytes::new()).unwrap()
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test]
    async fn connections_are_reused() {
        let (address, connections) = server("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let client = Client::new(AnyAddress, Roots::default());
        for _ in 0..3 {
            let response = client.send(get(format_args!("http://{address}/")), 10 * SECOND).await.unwrap();
            assert_eq!((response.status, response.body.as_ref()), (StatusCode::OK, b"ok".as_ref()));
        }
        assert_eq!(*connections.borrow(), 1);
    }

    #[tokio::test]
    async fn redirects_are_not_followed() {
        let (address, _) =
            server("HTTP/1.1 302 Found\r\nlocation: http://example.invalid/\r\ncontent-length: 0\r\n\r\n").await;
        let client = Client::new(AnyAddress, Roots::default());
        let response = client.send(get(format_args!("http://{address}/")), 10 * SECOND).await.unwrap();
        assert_eq!(response.status, StatusCode::FOUND);
        assert_eq!(response.headers["location"], "http://example.invalid/");
    }

    #[tokio::test]
    async fn a_body_over_the_limit_is_refused_or_truncated() {
        for answer in [
            "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789",
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n01234\r\n5\r\n56789\r\n0\r\n\r\n",
        ] {
            let (address, _) = server(answer).await;
            let url = format!("http://{address}/");
            let refusing = Client::new(AnyAddress, Roots::default()).body_limit(BodyLimit::Refuse(9));
            let error = refusing.send(get(&url), 10 * SECOND).await.unwrap_err();
            assert!(matches!(error, ClientError::TooLarge { limit: 9, .. }), "{error}");
            let exact = Client::new(AnyAddress, Roots::default()).body_limit(BodyLimit::Refuse(10));
            assert_eq!(exact.send(get(&url), 10 * SECOND).await.unwrap().body.as_ref(), b"0123456789");
            let truncating = Client::new(AnyAddress, Roots::default()).body_limit(BodyLimit::Truncate(7));
            assert_eq!(truncating.send(get(&url), 10 * SECOND).await.unwrap().body.as_ref(), b"0123456");
        }
    }

    #[tokio::test]
    async fn a_server_that_never_answers_times_out() {
        let (address, _) = server("").await;
        let client = Client::new(AnyAddress, Roots::default());
        let error = client.send(get(format_args!("http://{address}/")), SECOND / 10).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
    }

    #[tokio::test]
    async fn a_body_that_stalls_times_out_unless_only_the_status_matters() {
        let (address, _) = server("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234").await;
        let url = format!("http://{address}/");
        let error = Client::new(AnyAddress, Roots::default()).send(get(&url), SECOND / 10).await.unwrap_err();
        assert!(matches!(error, ClientError::Timeout { .. }), "{error}");
        let client = Client::new(AnyAddress, Roots::default()).body_limit(BodyLimit::Truncate(100));
        let response = client.send(get(&url), SECOND / 10).await.unwrap();
        assert_eq!((response.status, response.body.as_ref()), (StatusCode::OK, b"01234".as_ref()));
    }

    #[tokio::test]
    async fn no_connection_is_an_error_that_names_the_host() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = Client::new(AnyAddress, Roots::default())
            .send(get(format_args!("http://{address}/")), SECOND)
            .await
            .unwrap_err();
        assert!(matches!(error, ClientError::Connect { .. }), "{error}");
        assert!(error.to_string().contains("127.0.0.1"), "{error}");
    }

    /// Refuses literals; names are anything but.
    struct NoLiterals;

    #[async_trait]
    impl Addresses for NoLiterals {
        async fn addresses(&self, host: &str) -> io::Result<Vec<IpAddr>> {
            match host.parse::<IpAddr>() {
                Ok(_) => Err(io::Error::new(io::ErrorKind::PermissionDenied, Refused(format!("{host} is refused")))),
                Err(_) if host == "forbidden.test" => Err(io::Error::other(Refused("a forbidden name".to_owned()))),
                Err(_) => Ok(vec![[127, 0, 0, 1].into()]),
            }
        }
    }

    #[tokio::test]
    async fn names_and_literals_are_dialled_only_when_vetted() {
        let (address, connections) = server("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let client = Client::new(NoLiterals, Roots::default());
        for (host, reason) in
            [("127.0.0.1", "127.0.0.1 is refused"), ("[::1]", "::1 is refused"), ("forbidden.test", "a forbidden name")]
        {
            let url = format!("http://{host}:{}/", address.port());
            let error = client.send(get(url), 10 * SECOND).await.unwrap_err();
            assert!(matches!(&error, ClientError::Refused(Refused(text)) if text == reason), "{error}");
        }
        assert_eq!(*connections.borrow(), 0);
        let url = format!("http://allowed.test:{}/", address.port());
        assert_eq!(client.send(get(url), 10 * SECOND).await.unwrap().status, StatusCode::OK);
    }
}
