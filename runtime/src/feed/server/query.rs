//! What a request asks for: `offset`, `lastEventId`, `limit`, `type`, `timeout`. Unknown parameters are ignored.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::Duration;

use url::form_urlencoded;

use crate::event::{EventId, Position};
use crate::problem::Problem;

/// The parameters of a page. What the request does not say is `None`, so that URLs of further pages need not say it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) offset: Option<Position>,
    pub(super) limit: Option<usize>,
    /// The types that are asked for; all when it is empty.
    pub(super) types: BTreeSet<String>,
    /// How long to wait for events.
    pub(super) timeout: Option<Duration>,
    /// The event that was seen last, for those who go by ids: the page begins behind it.
    pub(super) last_event_id: Option<EventId>,
}

impl Query {
    pub(super) fn parse(text: &str) -> Result<Self, Problem> {
        let mut query = Query::default();
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            match &*decode(name) {
                "offset" => {
                    let offset = number("offset", value, "the position of an event, from 0")?;
                    query.offset = Some(Position(offset));
                }
                "limit" => {
                    let limit = number("limit", value, "how many events a page may hold, from 1")?;
                    if limit == 0 {
                        return Err(Problem::bad_request("`limit` is 0: a page without events leads nowhere"));
                    }
                    // A larger one than fits is limited by the server anyway.
                    query.limit = Some(usize::try_from(limit).unwrap_or(usize::MAX));
                }
                "timeout" => {
                    let milliseconds = number("timeout", value, "how many milliseconds to wait for events")?;
                    query.timeout = Some(Duration::from_millis(milliseconds));
                }
                "lastEventId" => {
                    let id = decode(value);
                    query.last_event_id = (!id.is_empty()).then(|| EventId::from(&*id));
                }
                // Split before decoding: a comma that belongs to a name is written %2C.
                "type" => {
                    let names = value.split(',').map(decode).filter(|name| !name.is_empty());
                    query.types.extend(names.map(Cow::into_owned));
                }
                _ => {}
            }
        }
        Ok(query)
    }

    /// The query of the page at `offset` for what is asked here.
    pub(super) fn at(&self, offset: Position) -> String {
        // Room for two numbers; writing to a string cannot fail.
        let mut text = String::with_capacity(48);
        let _ = write!(text, "offset={offset}");
        if let Some(limit) = self.limit {
            let _ = write!(text, "&limit={limit}");
        }
        for (index, name) in self.types.iter().enumerate() {
            text.push_str(if index == 0 { "&type=" } else { "," });
            text.extend(form_urlencoded::byte_serialize(name.as_bytes()));
        }
        text
    }
}

fn number(name: &str, value: &str, meaning: &str) -> Result<u64, Problem> {
    let value = decode(value);
    // Digits only: `parse` would take a sign as well.
    let digits = value.bytes().all(|byte| byte.is_ascii_digit());
    value.parse().ok().filter(|_| digits).ok_or_else(|| {
        Problem::bad_request(format!("`{name}` is {value:?}, and must be a whole number: {meaning}"))
            .with("parameter", name)
    })
}

fn decode(text: &str) -> Cow<'_, str> {
    // Most parameters are numbers, and need no copy.
    if !text.contains(['%', '+']) {
        return Cow::Borrowed(text);
    }
    // As the value of a pair, so that no character but `&` (which cannot be in it) ends it.
    let pair = format!("={text}");
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_and_written_back() {
        let query = Query::parse("limit=7&type=B,A%2CC&x=1&offset=3&type=%C3%84+%26&timeout=1500").unwrap();
        assert_eq!(query.offset, Some(Position(3)));
        assert_eq!(query.timeout, Some(Duration::from_millis(1500)));
        assert_eq!(query.at(Position(9)), "offset=9&limit=7&type=A%2CC,B,%C3%84+%26");
        let again = Query::parse(&query.at(Position(9))).unwrap();
        assert_eq!((again.limit, again.types), (query.limit, query.types));
        assert_eq!(Query::parse("").unwrap(), Query::default());
        assert_eq!(Query::parse("type=&&=&a").unwrap(), Query::default());
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in [
            "offset=-1",
            "offset=",
            "offset=+1",
            "offset=1.0",
            "offset=99999999999999999999",
            "offset",
            "limit=0",
            "limit=many",
            "timeout=soon",
        ] {
            assert!(Query::parse(text).is_err(), "{text}");
        }
    }
}
