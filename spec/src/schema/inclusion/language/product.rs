//! Strings that several languages contain or do not, of a length: the automata are walked side by side, shortest strings
//! first.

use std::collections::{HashMap, HashSet, VecDeque};
use std::rc::Rc;

use super::{At, Language};
use crate::schema::inclusion::outcome::{Leaf, Reason};

/// Steps of all automata together before the search gives up.
const MAX_STEPS: usize = 400_000;

/// Longer strings are not made up.
const MAX_LENGTH: u64 = 20_000;

/// What a string must be.
#[derive(Debug, Default)]
pub(in crate::schema::inclusion) struct Wanted {
    /// In each language or not in it, as said.
    pub(in crate::schema::inclusion) languages: Vec<(Rc<Language>, bool)>,
    /// At least so many characters.
    pub(in crate::schema::inclusion) least: u64,
    /// At most so many characters.
    pub(in crate::schema::inclusion) most: u64,
    /// None of these.
    pub(in crate::schema::inclusion) outside: HashSet<Rc<str>>,
}

impl Wanted {
    /// The shortest such string, and how many steps it took to find.
    pub(in crate::schema::inclusion) fn find(&self) -> (Leaf<String>, usize) {
        if self.least > self.most {
            return (Leaf::Empty, 0);
        }
        if self.languages.is_empty() {
            return (self.any(), 0);
        }
        match self.shortest(Alphabet::All) {
            (Leaf::Found(text), steps) if text.chars().any(is_contested) => match self.shortest(Alphabet::Readable) {
                (Leaf::Found(readable), more) => (Leaf::Found(readable), steps + more),
                (_, more) => (Leaf::Found(text), steps + more),
            },
            other => other,
        }
    }

    /// The shortest such string of an alphabet.
    fn shortest(&self, alphabet: Alphabet) -> (Leaf<String>, usize) {
        // Counting multiplies the states, and is mostly unnecessary.
        let (uncounted, steps) = Walk::new(self, 0, alphabet).find();
        match uncounted {
            Leaf::Found(text) => {
                let length = text.chars().count() as u64;
                if length > self.most {
                    return (Leaf::Empty, steps);
                }
                if length >= self.least {
                    return (Leaf::Found(text), steps);
                }
            }
            other => return (other, steps),
        }
        if self.least > MAX_LENGTH {
            return (Leaf::Unknown(Reason::TooLarge), steps);
        }
        let (counted, more) = Walk::new(self, self.least as u32, alphabet).find();
        let found = match counted {
            Leaf::Found(text) if text.chars().count() as u64 > self.most => Leaf::Empty,
            other => other,
        };
        (found, steps + more)
    }

    /// Where only the length matters.
    fn any(&self) -> Leaf<String> {
        if self.least == 0 && !self.outside.contains("") {
            return Leaf::Found(String::new());
        }
        if self.most == 0 {
            return Leaf::Empty;
        }
        let length = self.least.max(1);
        if length > MAX_LENGTH {
            return Leaf::Unknown(Reason::TooLarge);
        }
        let mut text = "a".repeat(length as usize - 1);
        for last in ('a'..='z').chain('0'..='9').chain('\u{a1}'..=char::MAX) {
            text.push(last);
            if !self.outside.contains(text.as_str()) {
                return Leaf::Found(text);
            }
            text.pop();
        }
        Leaf::Unknown(Reason::TooLarge)
    }

    /// Whether it must still be found out; `Some(false)` when no continuation will do.
    fn verdict(&self, state: &State, ends: bool) -> Option<bool> {
        let mut at = state.automata.iter();
        let mut all = Some(true);
        for (language, wanted) in &self.languages {
            let mut inside = Some(true);
            for ((dfa, holds), at) in language.parts.iter().zip(&mut at) {
                let matched = match at {
                    At::Settled(matched) => Some(*matched),
                    at if ends => Some(dfa.ends(*at)),
                    At::State(_) => None,
                };
                inside = and(inside, matched.map(|matched| matched == *holds));
            }
            all = and(all, inside.map(|inside| inside == *wanted));
        }
        all
    }
}

/// Of which characters a string may be made.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Alphabet {
    All,
    /// Those of ASCII that are seen.
    Readable,
}

/// Control characters and line ends: what `.` and classes say of them is what engines disagree about.
fn is_contested(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')
}

fn is_readable(byte: u8) -> bool {
    byte.is_ascii_graphic()
}

fn and(a: Option<bool>, b: Option<bool>) -> Option<bool> {
    match (a, b) {
        (Some(false), _) | (_, Some(false)) => Some(false),
        (Some(true), other) | (other, Some(true)) => other,
        (None, None) => None,
    }
}

/// Where all automata stand after some bytes.
#[derive(Clone, PartialEq, Eq, Hash)]
struct State {
    automata: Box<[At]>,
    /// Within a character: which bytes may follow.
    utf8: Utf8,
    /// Characters so far, up to as many as count.
    length: u32,
    /// The excluded strings that begin with these bytes: a node of the [`Trie`], or none.
    excluded: Option<u32>,
}

/// What must follow for the bytes to be UTF-8 (the Unicode Standard, table 3-7).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Utf8 {
    Boundary,
    /// A byte of this range, then this many continuation bytes.
    Byte(u8, u8, u8),
}

impl Utf8 {
    fn next(self, byte: u8) -> Option<Self> {
        match self {
            Utf8::Boundary => match byte {
                0..=0x7f => Some(Utf8::Boundary),
                0xc2..=0xdf => Some(Utf8::Byte(0x80, 0xbf, 0)),
                0xe0 => Some(Utf8::Byte(0xa0, 0xbf, 1)),
                0xed => Some(Utf8::Byte(0x80, 0x9f, 1)),
                0xe1..=0xef => Some(Utf8::Byte(0x80, 0xbf, 1)),
                0xf0 => Some(Utf8::Byte(0x90, 0xbf, 2)),
                0xf1..=0xf3 => Some(Utf8::Byte(0x80, 0xbf, 2)),
                0xf4 => Some(Utf8::Byte(0x80, 0x8f, 2)),
                _ => None,
            },
            Utf8::Byte(from, to, more) => (from..=to).contains(&byte).then(|| match more {
                0 => Utf8::Boundary,
                more => Utf8::Byte(0x80, 0xbf, more - 1),
            }),
        }
    }
}

/// The excluded strings by their bytes.
#[derive(Default)]
struct Trie {
    next: HashMap<(u32, u8), u32>,
    /// Nodes at which an excluded string ends.
    ends: HashSet<u32>,
}

impl Trie {
    fn new<'t>(texts: impl Iterator<Item = &'t str>) -> Self {
        let mut trie = Trie::default();
        let mut count = 0;
        for text in texts {
            let mut node = 0;
            for byte in text.bytes() {
                node = *trie.next.entry((node, byte)).or_insert_with(|| {
                    count += 1;
                    count
                });
            }
            trie.ends.insert(node);
        }
        trie
    }
}

/// One search.
struct Walk<'w> {
    wanted: &'w Wanted,
    /// How many characters there must be.
    least: u32,
    excluded: Trie,
    /// One byte of each set of bytes that no automaton tells apart, the most readable first.
    bytes: Vec<u8>,
}

impl<'w> Walk<'w> {
    fn new(wanted: &'w Wanted, least: u32, alphabet: Alphabet) -> Self {
        let excluded = Trie::new(wanted.outside.iter().map(|text| &**text));
        let mut told_apart = [false; 256];
        for &(_, byte) in excluded.next.keys() {
            told_apart[usize::from(byte)] = true;
        }
        let mut seen = HashSet::new();
        let mut bytes = Vec::new();
        for byte in readable_first().filter(|&byte| alphabet == Alphabet::All || is_readable(byte)) {
            let kinds: Vec<u8> = wanted
                .languages
                .iter()
                .flat_map(|(language, _)| &language.parts)
                .map(|(dfa, _)| dfa.dfa.byte_classes().get(byte))
                .collect();
            let own = told_apart[usize::from(byte)].then_some(byte);
            if seen.insert((kinds, kind_of_byte(byte), own)) {
                bytes.push(byte);
            }
        }
        Walk { wanted, least, excluded, bytes }
    }

    fn find(&self) -> (Leaf<String>, usize) {
        let automata = self.wanted.languages.iter().flat_map(|(language, _)| &language.parts);
        let start = State {
            automata: automata.clone().map(|(dfa, _)| dfa.start()).collect(),
            utf8: Utf8::Boundary,
            length: 0,
            excluded: Some(0),
        };
        let automata: Vec<_> = automata.map(|(dfa, _)| dfa).collect();
        let mut states = vec![(start.clone(), 0usize, 0u8)];
        let mut known = HashSet::from([start]);
        let mut queue = VecDeque::from([0usize]);
        let mut steps = 0;
        while let Some(index) = queue.pop_front() {
            let state = &states[index].0;
            let is_excluded = state.excluded.is_some_and(|node| self.excluded.ends.contains(&node));
            if !is_excluded && state.length >= self.least && self.wanted.verdict(state, true) == Some(true) {
                return (Leaf::Found(spelled(&states, index)), steps);
            }
            // What is within a character is gone through at once, so that all that wait have as many characters.
            let mut open = VecDeque::from([index]);
            while let Some(index) = open.pop_front() {
                let state = states[index].0.clone();
                for &byte in &self.bytes {
                    let Some(utf8) = state.utf8.next(byte) else { continue };
                    steps += automata.len();
                    let begins = state.utf8 == Utf8::Boundary;
                    let next = State {
                        automata: automata.iter().zip(&state.automata).map(|(dfa, at)| dfa.next(*at, byte)).collect(),
                        utf8,
                        length: (state.length + u32::from(begins)).min(self.least),
                        excluded: state.excluded.and_then(|node| self.excluded.next.get(&(node, byte)).copied()),
                    };
                    if self.wanted.verdict(&next, false) == Some(false) || !known.insert(next.clone()) {
                        continue;
                    }
                    match utf8 {
                        Utf8::Boundary => queue.push_back(states.len()),
                        Utf8::Byte(..) => open.push_back(states.len()),
                    }
                    states.push((next, index, byte));
                }
            }
            if steps > MAX_STEPS {
                return (Leaf::Unknown(Reason::TooManyStates), steps);
            }
        }
        (Leaf::Empty, steps)
    }
}

/// The bytes that led to a state.
fn spelled(states: &[(State, usize, u8)], mut index: usize) -> String {
    let mut bytes = Vec::new();
    while index != 0 {
        let (_, before, byte) = states[index];
        bytes.push(byte);
        index = before;
    }
    bytes.reverse();
    String::from_utf8_lossy(&bytes).into_owned()
}

fn readable_first() -> impl Iterator<Item = u8> {
    let early = (b'a'..=b'z').chain(b'0'..=b'9').chain(b'A'..=b'Z');
    let punctuation = (0..=255).filter(|byte| is_readable(*byte) && !byte.is_ascii_alphanumeric());
    early.chain(punctuation).chain((0..=255).filter(|byte| !is_readable(*byte)))
}

/// What UTF-8 tells apart.
fn kind_of_byte(byte: u8) -> u8 {
    match byte {
        0..=0x7f => 0,
        0x80..=0x8f => 1,
        0x90..=0x9f => 2,
        0xa0..=0xbf => 3,
        0xc2..=0xdf => 4,
        0xe0 => 5,
        0xed => 6,
        0xe1..=0xef => 7,
        0xf0 => 8,
        0xf1..=0xf3 => 9,
        0xf4 => 10,
        _ => 11,
    }
}

#[cfg(test)]
mod tests {
    use super::super::Languages;
    use super::Wanted;
    use crate::schema::inclusion::outcome::Leaf;

    /// The shortest string of some languages, of none of others, of a length, that is none of a list.
    fn shortest(inside: &[&str], outside: &[&str], size: (u64, u64), excluded: &[&str]) -> Option<String> {
        let mut languages = Languages::default();
        let mut language = |pattern: &str, holds: bool| {
            let id = languages.id(pattern);
            (languages.language(id).unwrap(), holds)
        };
        let mut all: Vec<_> = inside.iter().map(|pattern| language(pattern, true)).collect();
        all.extend(outside.iter().map(|pattern| language(pattern, false)));
        let excluded = excluded.iter().map(|&text| text.into()).collect();
        match (Wanted { languages: all, least: size.0, most: size.1, outside: excluded }).find().0 {
            Leaf::Found(text) => Some(text),
            Leaf::Empty => None,
            Leaf::Unknown(reason) => panic!("{reason}"),
        }
    }

    const ANY: (u64, u64) = (0, u64::MAX);

    #[test]
    fn the_shortest_string_comes_first_and_is_readable() {
        assert_eq!(shortest(&["^[a-z]+$"], &[], ANY, &[]).as_deref(), Some("a"));
        assert_eq!(shortest(&["^[a-z]+$"], &[], (3, 9), &[]).as_deref(), Some("aaa"));
        assert_eq!(shortest(&["^.$"], &["^[\\x00-\\x7f]$"], ANY, &[]).as_deref(), Some("\u{80}"));
        // Two bytes are one character.
        assert_eq!(shortest(&["^(\u{e9}|ab)$"], &[], ANY, &[]).as_deref(), Some("\u{e9}"));
        assert_eq!(shortest(&["^(\u{1F600}|ab)$"], &[], (2, 9), &[]).as_deref(), Some("ab"));
    }

    #[test]
    fn lengths_and_exclusions_can_leave_nothing() {
        assert_eq!(shortest(&["^(ab)*$"], &[], (3, 3), &[]), None);
        assert_eq!(shortest(&["^[ab]$"], &[], ANY, &["a", "b"]), None);
        assert_eq!(shortest(&["^[ab]*$"], &[], (0, 1), &["a", ""]).as_deref(), Some("b"));
        assert_eq!(shortest(&["a"], &["a"], ANY, &[]), None);
        assert_eq!(shortest(&[], &[], (0, 0), &[""]), None);
        assert_eq!(shortest(&[], &[], (1, 1), &["a"]).as_deref(), Some("b"));
    }
}
