//! A way to the server that can fall silent without a word, as when a machine or a network vanishes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use sqlx::postgres::PgConnectOptions;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Forwards connections, for as long as the test's runtime runs.
pub(crate) struct Proxy {
    port: u16,
    silent: Arc<AtomicBool>,
}

impl Proxy {
    pub(crate) async fn start(server: &PgConnectOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let address = format!("{}:{}", server.get_host(), server.get_port());
        let silent = Arc::new(AtomicBool::new(false));
        tokio::spawn(forward(listener, address, Arc::clone(&silent)));
        Proxy { port, silent }
    }

    /// How to reach the server through it.
    pub(crate) fn options(&self, server: PgConnectOptions) -> PgConnectOptions {
        server.host("127.0.0.1").port(self.port)
    }

    /// From now on the server gets what is sent, its answers get lost, and nobody can connect.
    pub(crate) fn fall_silent(&self) {
        self.silent.store(true, Ordering::SeqCst);
    }

    /// Connections can be made again. Those that have lost an answer stay silent.
    pub(crate) fn speak(&self) {
        self.silent.store(false, Ordering::SeqCst);
    }
}

async fn forward(listener: TcpListener, address: String, silent: Arc<AtomicBool>) {
    loop {
        let (client, _) = listener.accept().await.unwrap();
        if silent.load(Ordering::SeqCst) {
            continue;
        }
        let server = TcpStream::connect(&address).await.unwrap();
        let (from_client, to_client) = client.into_split();
        let (from_server, to_server) = server.into_split();
        tokio::spawn(copy(from_client, to_server, Arc::default()));
        tokio::spawn(copy(from_server, to_client, Arc::clone(&silent)));
    }
}

async fn copy(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, silent: Arc<AtomicBool>) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        if silent.load(Ordering::SeqCst) {
            // Both ends stay open.
            return std::future::pending().await;
        }
        if to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
}
