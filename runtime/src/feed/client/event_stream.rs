//! Server-sent events, read as the standard says (<https://html.spec.whatwg.org/multipage/server-sent-events.html>): pieces
//! of a body come in, however they were cut, whole events go out. What the end of the stream cuts off is dropped.

use std::time::Duration;

/// What a stream says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// An event's data.
    Data(String),
    /// An id without an event: where to go on.
    Id(String),
}

/// More than a stream may say at once.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// A stream as far as it has come.
#[derive(Debug)]
pub(super) struct EventStream {
    /// How many bytes a line and the data of an event may have.
    limit: usize,
    line: Vec<u8>,
    /// The last line ended with `\r`, so that a `\n` belongs to its end.
    returned: bool,
    /// Nothing has been read yet, and a byte order mark may come.
    first: bool,
    data: Option<String>,
    id: Option<String>,
    retry: Option<Duration>,
}

impl EventStream {
    pub(super) fn new(limit: usize) -> Self {
        EventStream { limit, line: Vec::new(), returned: false, first: true, data: None, id: None, retry: None }
    }

    /// How long the server asks to wait before reconnecting.
    pub(super) fn retry(&self) -> Option<Duration> {
        self.retry
    }

    /// Reads on. What is complete goes to the end of `sent`.
    pub(super) fn read(&mut self, mut piece: &[u8], sent: &mut impl Extend<Sent>) -> Result<(), TooLarge> {
        while !piece.is_empty() {
            if std::mem::take(&mut self.returned) && piece[0] == b'\n' {
                piece = &piece[1..];
                continue;
            }
            let end = piece.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let part = &piece[..end.unwrap_or(piece.len())];
            if part.len() > self.limit.saturating_sub(self.line.len()) {
                return Err(TooLarge);
            }
            self.line.extend_from_slice(part);
            let Some(end) = end else { return Ok(()) };
            self.returned = piece[end] == b'\r';
            piece = &piece[end + 1..];
            let line = std::mem::take(&mut self.line);
            sent.extend(self.take(&String::from_utf8_lossy(&line))?);
        }
        Ok(())
    }

    /// Takes a line, and gives the event that it completes.
    fn take(&mut self, line: &str) -> Result<Option<Sent>, TooLarge> {
        let line = if std::mem::take(&mut self.first) { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
        if line.is_empty() {
            let id = self.id.take();
            return Ok(self.data.take().map(Sent::Data).or(id.map(Sent::Id)));
        }
        // A comment has an empty name, and is ignored as unknown fields are.
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match name {
            "data" => match &mut self.data {
                None => self.data = Some(value.to_owned()),
                Some(data) if value.len() < self.limit.saturating_sub(data.len()) => {
                    data.push('\n');
                    data.push_str(value);
                }
                Some(_) => return Err(TooLarge),
            },
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            "retry" if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) => {
                self.retry = value.parse().ok().map(Duration::from_millis);
            }
            _ => {}
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\u{feff}retry: 250\n\n: alive\nid: 1\ndata: {\"a\":\ndata: 1}\n\nid:2\r\nevent: x\r\ndata:two\r\n\r\n\
                        id: 5\r\rdata\n\ndata:  ö\nid: 7\n\nretry: soon\nid: 8\ndata: cut off";

    fn read(text: &[u8], size: usize) -> Vec<Sent> {
        let mut stream = EventStream::new(100);
        let mut sent = Vec::new();
        for piece in text.chunks(size) {
            stream.read(piece, &mut sent).unwrap();
        }
        assert_eq!(stream.retry(), Some(Duration::from_millis(250)));
        sent
    }

    #[test]
    fn events_are_read_however_they_are_cut() {
        let data = |text: &str| Sent::Data(text.to_owned());
        let expected = [data("{\"a\":\n1}"), data("two"), Sent::Id("5".to_owned()), data(""), data(" ö")];
        for size in 1..TEXT.len() {
            assert_eq!(read(TEXT.as_bytes(), size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused_whatever_it_is() {
        let long = "x".repeat(60);
        for text in
            [format!("data: {long}{long}\n\n"), format!(": {long}{long}"), format!("data: {long}\ndata: {long}\n")]
        {
            assert_eq!(EventStream::new(100).read(text.as_bytes(), &mut Vec::new()), Err(TooLarge), "{text}");
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic() {
        let mut sent = Vec::new();
        EventStream::new(1000).read(b"\xff\xfe\n\ndata: \xff\n\nid: \0\n\n:\n", &mut sent).unwrap();
        assert_eq!(sent, [Sent::Data("\u{fffd}".to_owned())]);
    }
}
