//! Regular languages: `pattern`s go in, automata come out, and strings that some of them accept and others refuse.

mod ecma;
mod product;

use std::collections::HashMap;
use std::rc::Rc;

use regex_automata::dfa::{Automaton, StartKind, dense};
use regex_automata::nfa::thompson;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

pub(super) use product::Wanted;

use crate::schema::Pattern;

/// Bytes that one automaton may take, and making it.
const MAX_SIZE: usize = 1 << 20;

/// A regular expression of a [`Languages`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct PatternId(u32);

/// Regular expressions, each made into an automaton once.
#[derive(Debug, Default)]
pub(super) struct Languages {
    ids: HashMap<Rc<str>, PatternId>,
    texts: Vec<Rc<str>>,
    languages: Vec<Option<Option<Rc<Language>>>>,
    /// Bytes of the automata that were made since somebody asked.
    size: usize,
}

impl Languages {
    pub(super) fn id(&mut self, pattern: &str) -> PatternId {
        if let Some(id) = self.ids.get(pattern) {
            return *id;
        }
        let id = PatternId(self.texts.len() as u32);
        let text: Rc<str> = pattern.into();
        self.ids.insert(text.clone(), id);
        self.texts.push(text);
        self.languages.push(None);
        id
    }

    pub(super) fn text(&self, id: PatternId) -> &Rc<str> {
        &self.texts[id.0 as usize]
    }

    /// The strings that the expression matches; `None` when no automaton of reasonable size decides it.
    pub(super) fn language(&mut self, id: PatternId) -> Option<Rc<Language>> {
        let text = &self.texts[id.0 as usize];
        let known = &mut self.languages[id.0 as usize];
        if known.is_none() {
            let made = Language::new(text);
            // One that became too large has cost as much as it may.
            self.size += made.as_ref().map_or(MAX_SIZE, Language::size);
            *known = Some(made.map(Rc::new));
        }
        known.clone().flatten()
    }

    /// How many bytes of automata were made since this was asked last.
    pub(super) fn take_size(&mut self) -> usize {
        std::mem::take(&mut self.size)
    }

    /// Whether the text is one of the language.
    pub(super) fn matches(&mut self, id: PatternId, text: &str) -> Option<bool> {
        Some(self.language(id)?.contains(text))
    }
}

/// The strings that a regular expression matches somewhere.
#[derive(Debug)]
pub(super) struct Language {
    /// A string is one of the language when each of these matches, or does not, as said: an expression that begins with
    /// look-ahead is several expressions.
    parts: Vec<(Dfa, bool)>,
}

impl Language {
    fn new(pattern: &str) -> Option<Self> {
        // What it cannot compile, the engine that checks values takes to match everything.
        if Pattern::fault(pattern).is_some() {
            return None;
        }
        // These mean something else where the expression is only valid without Unicode mode.
        if ["\\p", "\\P", "\\u"].iter().any(|escape| pattern.contains(escape)) && !Pattern::is_unicode(pattern) {
            return None;
        }
        let parts = ecma::parse(pattern)?;
        let parts = parts.iter().map(|(hir, holds)| Some((Dfa::new(hir)?, *holds))).collect::<Option<_>>()?;
        Some(Language { parts })
    }

    fn size(&self) -> usize {
        self.parts.iter().map(|(dfa, _)| dfa.dfa.memory_usage()).sum()
    }

    fn contains(&self, text: &str) -> bool {
        self.parts.iter().all(|(dfa, holds)| dfa.matches(text.as_bytes()) == *holds)
    }
}

/// A deterministic automaton that looks for a match anywhere.
#[derive(Debug)]
struct Dfa {
    dfa: dense::DFA<Vec<u32>>,
    start: regex_automata::util::primitives::StateID,
}

/// Where an automaton stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum At {
    /// It depends on what follows.
    State(regex_automata::util::primitives::StateID),
    /// Whatever follows: it has matched, or never will.
    Settled(bool),
}

impl Dfa {
    fn new(hir: &Hir) -> Option<Self> {
        let config = thompson::Config::new()
            .nfa_size_limit(Some(MAX_SIZE))
            .which_captures(thompson::WhichCaptures::None)
            .shrink(false);
        let nfa = thompson::Compiler::new().configure(config).build_from_hir(hir).ok()?;
        let config = dense::Config::new()
            .accelerate(false)
            .minimize(false)
            .start_kind(StartKind::Unanchored)
            .match_kind(MatchKind::All)
            .dfa_size_limit(Some(MAX_SIZE))
            .determinize_size_limit(Some(MAX_SIZE));
        let dfa = dense::Builder::new().configure(config).build_from_nfa(&nfa).ok()?;
        let start = dfa.start_state(&start::Config::new().anchored(Anchored::No)).ok()?;
        Some(Dfa { dfa, start })
    }

    fn start(&self) -> At {
        self.settle(self.start)
    }

    fn next(&self, at: At, byte: u8) -> At {
        match at {
            At::State(state) => self.settle(self.dfa.next_state(state, byte)),
            settled => settled,
        }
    }

    fn settle(&self, state: regex_automata::util::primitives::StateID) -> At {
        if self.dfa.is_match_state(state) {
            At::Settled(true)
        } else if self.dfa.is_dead_state(state) || self.dfa.is_quit_state(state) {
            At::Settled(false)
        } else {
            At::State(state)
        }
    }

    /// Whether it has matched when the text ends here.
    fn ends(&self, at: At) -> bool {
        match at {
            At::State(state) => self.dfa.is_match_state(self.dfa.next_eoi_state(state)),
            At::Settled(matched) => matched,
        }
    }

    fn matches(&self, text: &[u8]) -> bool {
        let mut at = self.start();
        for &byte in text {
            at = self.next(at, byte);
            if let At::Settled(matched) = at {
                return matched;
            }
        }
        self.ends(at)
    }
}

#[cfg(test)]
mod tests {
    use super::Languages;
    use crate::schema::Pattern;

    const PATTERNS: &[&str] = &[
        "",
        "a",
        "^a",
        "a$",
        "^a$",
        "^$",
        "[a-z]*",
        "^[a-z]+$",
        "^[^a]*$",
        "^(ab){0,3}$",
        "b.*b",
        "^a|b$",
        "^(a|b)c?$",
        "\\d{2,}",
        "^\\w+\\s\\S$",
        "^(?=x$)x$",
        "^(?!ab)a",
        "^(?!.*b).*$",
        "^\\p{Lu}",
        "^[\\p{L}_]+$",
        "^.$",
        "^[\\s\\S]$",
        "\\bfoo\\b",
        "^\\u00e9$",
        "^\\u{1F600}$",
        "^[\\w\\-]+$",
        "^[a\\-z]$",
        "^a{2}$",
        "^a{2,}?$",
        "^(?<year>\\d{4})$",
        "\\.",
        "^[]$",
        "^[^]$",
        "\\x41",
        "\\cJ",
        "[\\b]",
        "^a{,2}$",
        "x*",
        "^(?:a|bc)*$",
        "^\\/a\\/$",
        "[^\\d]",
        "^[^\\W]$",
        "a|",
        "^.*$",
        "^\\0$",
    ];

    const TEXTS: &[&str] = &[
        "", "a", "b", "ab", "ba", "aa", "aaa", "abab", "bcb", "x", "xx", "é", "É", "😀", "foo", "a foo b", "xfoo",
        "2024", "12", "1", "a-b", "-", "z", "\n", "a\nb", "\u{2028}", "w x", "a{,2}", "A", "\u{8}", "/a/", "c", "ac",
        "abc", "bcabc", "_", "\0", ".", "\u{a0}", "\u{7f}",
    ];

    #[test]
    fn automata_agree_with_the_engine_that_checks_values() {
        let mut languages = Languages::default();
        let mut decided = 0;
        for pattern in PATTERNS {
            let id = languages.id(pattern);
            let engine = Pattern::new(pattern).unwrap();
            for text in TEXTS {
                let Some(found) = languages.matches(id, text) else { continue };
                decided += 1;
                assert_eq!(Some(found), engine.matches(text), "{pattern:?} {text:?}");
            }
        }
        assert_eq!(decided, PATTERNS.len() * TEXTS.len());
    }

    #[test]
    fn what_no_automaton_decides_is_left_open() {
        let mut languages = Languages::default();
        for pattern in ["(a)\\1", "a(?=b)", "(?<=a)b", "a\\B", "^(a{1,999}){1,999}$", "(", "(?i:a)"] {
            let id = languages.id(pattern);
            assert!(languages.language(id).is_none(), "{pattern}");
        }
    }
}
