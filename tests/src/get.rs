//! A client of HTTP that costs next to nothing, so that a benchmark measures its server: GET over one connection that is
//! kept, answers with `Content-Length` only.

use std::io;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    request: Vec<u8>,
    answer: Vec<u8>,
}

impl Connection {
    /// A connection to `address` (`127.0.0.1:8080`) for requests of `path`, each with `headers` (`name: value\r\n`).
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: &str, path: &str, headers: &str) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n{headers}\r\n").into_bytes();
        Ok(Connection { stream, request, answer: Vec::new() })
    }

    /// Asks, and gives the body.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is not a 200 with a length.
    pub async fn get(&mut self) -> io::Result<&[u8]> {
        self.ask().await?;
        self.read().await
    }

    /// Asks, without waiting for the answer.
    ///
    /// # Errors
    /// When the connection breaks.
    pub async fn ask(&mut self) -> io::Result<()> {
        self.stream.write_all(&self.request).await
    }

    /// Waits for the answer; gives its body.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is not a 200 with a length.
    pub async fn read(&mut self) -> io::Result<&[u8]> {
        self.answer.clear();
        let (head, length) = loop {
            self.more().await?;
            if let Some(end) = self.answer.windows(4).position(|window| window == b"\r\n\r\n") {
                break (end + 4, length(&self.answer[..end])?);
            }
        };
        self.answer.reserve(length);
        while self.answer.len() < head + length {
            self.more().await?;
        }
        Ok(&self.answer[head..])
    }

    async fn more(&mut self) -> io::Result<()> {
        match self.stream.read_buf(&mut self.answer).await? {
            0 => Err(io::Error::other("the server has closed the connection")),
            _ => Ok(()),
        }
    }
}

fn length(head: &[u8]) -> io::Result<usize> {
    let head = String::from_utf8_lossy(head);
    let unusable = || io::Error::other(format!("not an answer with a length: {head}"));
    if !head.starts_with("HTTP/1.1 200") {
        return Err(unusable());
    }
    let value = |line: &str| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    };
    head.lines().find_map(value).ok_or_else(unusable)
}
