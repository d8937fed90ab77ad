//! Servers whose certificates a private authority has issued are trusted by those who were told of it, and by nobody else.
#![cfg(all(feature = "client", feature = "server"))]
#![allow(clippy::unwrap_used, reason = "tests; clippy knows only those marked as such, not their helpers")]

mod support;
mod webhook_support;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use event_api::consume::{Backoff, MemoryCheckpoints};
use event_api::feed::{Consumer, Feeds, Live};
use event_api::log::{Log, MemoryLog};
use event_api::webhook::{Dispatcher, MemorySubscriptions, RetrySchedule, Subscriptions};
use event_api::{CertificateError, EventSet as _, Position, Publisher};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::{Recorder, UserEvents};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{ServerConfig, crypto::ring, pki_types::PrivateKeyDer};
use tokio_rustls::server::TlsStream;

const SOON: Backoff = Backoff::new(Duration::from_millis(1), Duration::from_millis(5));

/// An authority, and a server on loopback whose certificate it has issued.
struct Private {
    authority: CertifiedIssuer<'static, KeyPair>,
    address: SocketAddr,
}

impl Private {
    async fn serve(app: Router) -> Self {
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let tls = Tls { listener, acceptor: TlsAcceptor::from(Arc::new(config)) };
        tokio::spawn(async move { axum::serve(tls, app).await });
        Private { authority, address }
    }
}

/// Connections over TLS. Those who refuse the certificate go away.
struct Tls {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener for Tls {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, address) = self.listener.accept().await.unwrap();
            if let Ok(stream) = self.acceptor.accept(stream).await {
                return (stream, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

async fn feed(log: &MemoryLog) -> Private {
    let feeds = Feeds::new(log, [UserEvents::CHANNEL]).router();
    Private::serve(Router::new().nest("/feeds", feeds)).await
}

fn consumer(feed: &Private) -> Consumer {
    let url = format!("https://{}/feeds/user-events", feed.address);
    Consumer::new(url, MemoryCheckpoints::new()).backoff(SOON)
}

#[tokio::test]
async fn a_feed_behind_a_private_authority_is_consumed_by_who_trusts_it() {
    let log = MemoryLog::new();
    let publish = async || Publisher::<UserEvents>::new(&log).publish(UserEvents::UserDeleted).await.unwrap();
    let feed = feed(&log).await;
    publish().await;
    let (pem, der) = (feed.authority.pem(), feed.authority.der().to_vec());
    let bundle = format!("# ours\n{}\n{pem}", Private::serve(Router::new()).await.authority.pem());
    for certificate in [pem.into_bytes(), der, bundle.into_bytes()] {
        let handler = Recorder::new();
        let consumer = consumer(&feed).root_certificate(certificate).unwrap();
        consumer.run_until_caught_up(handler.clone()).await.unwrap();
        assert_eq!(handler.handled().len(), 1);
    }

    let handler = Recorder::new();
    let consumer = consumer(&feed).root_certificate(feed.authority.pem()).unwrap().live(Live::ServerSentEvents);
    let running = tokio::spawn(consumer.run(handler.clone()));
    for total in 1..4 {
        tokio::time::timeout(webhook_support::PATIENCE, handler.until_handled(total)).await.unwrap();
        publish().await;
    }
    running.abort();
}

/// What is logged.
#[derive(Clone, Default)]
struct Logged(Arc<Mutex<Vec<u8>>>);

impl Logged {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// What is logged while this runs.
    fn subscribe(&self) -> tracing::subscriber::DefaultGuard {
        let writer = self.clone();
        tracing::subscriber::set_default(tracing_subscriber::fmt().with_writer(move || writer.clone()).finish())
    }

    async fn until(&self, text: &str, times: usize) {
        let logged = async || (self.text().matches(text).count() >= times).then_some(());
        webhook_support::eventually(text, logged).await;
    }
}

impl io::Write for Logged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_certificate_from_nowhere_is_refused_and_the_log_says_what_to_do() {
    let log = MemoryLog::new();
    let feed = feed(&log).await;
    // Of the same name.
    let other = Private::serve(Router::new()).await;
    for consumer in [consumer(&feed), consumer(&feed).root_certificate(other.authority.pem()).unwrap()] {
        let logged = Logged::default();
        let _subscriber = logged.subscribe();
        let running = tokio::spawn(consumer.run(Recorder::new()));
        // It may be mended on the other side.
        logged.until("no trusted authority has issued the certificate of 127.0.0.1", 2).await;
        assert!(logged.text().contains("add it with `root_certificate`"), "{}", logged.text());
        assert!(!running.is_finished());
        running.abort();
    }
}

#[tokio::test]
async fn webhooks_go_to_endpoints_behind_a_private_authority_that_is_trusted() {
    let (log, subscriptions) = (MemoryLog::new(), MemorySubscriptions::new());
    let received = Arc::new(Mutex::new(0));
    let count = Arc::clone(&received);
    let app = Router::new().fallback(move || async move { *count.lock().unwrap() += 1 });
    let endpoint = Private::serve(app).await;
    log.append("user-events", webhook_support::events(0..1)).await.unwrap();
    let subscription = webhook_support::subscription(format!("https://{}/hook", endpoint.address));
    subscriptions.create(&subscription, &[("user-events", Position(0))]).await.unwrap();
    let dispatcher = || {
        let retries = RetrySchedule::new([Duration::from_millis(5); 50]);
        Dispatcher::new(&log, &subscriptions).guard(webhook_support::loopback()).retries(retries)
    };

    let logged = Logged::default();
    let subscriber = logged.subscribe();
    let running = tokio::spawn(dispatcher().run());
    logged.until("add it with `root_certificate`", 2).await;
    running.abort();
    drop(subscriber);
    let cursors = subscriptions.cursors(&subscription.id).await.unwrap();
    let failure = cursors[0].1.failure.clone().unwrap();
    assert!(failure.error.contains("certificate") && !failure.error.contains("root_certificate"), "{}", failure.error);
    assert_eq!(*received.lock().unwrap(), 0);

    let running = tokio::spawn(dispatcher().root_certificate(endpoint.authority.pem()).unwrap().run());
    webhook_support::eventually("it is delivered", async || (*received.lock().unwrap() == 1).then_some(())).await;
    running.abort();
}

#[tokio::test]
async fn what_is_no_certificate_is_refused() {
    let consumer = || Consumer::new("https://users.internal/feeds/user-events", MemoryCheckpoints::new());
    let refused = |text: &str| consumer().root_certificate(text).unwrap_err();
    let pem = Private::serve(Router::new()).await.authority.pem();
    for text in ["", "users.internal", "/etc/ssl/ca.pem"] {
        assert!(matches!(refused(text), CertificateError::Unreadable { number: 1, .. }), "{text}");
    }
    assert!(matches!(refused(&KeyPair::generate().unwrap().serialize_pem()), CertificateError::Missing));
    assert!(matches!(refused(&pem.replace("-----END", "")), CertificateError::Pem(_)));
    let second = format!("{pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
    assert!(matches!(refused(&second), CertificateError::Unreadable { number: 2, .. }));
}
