//! `event-api.toml`: the text of a settings file comes in; settings, or what is wrong with them and where, go out.
//!
//! Its JSON Schema, `docs/event-api.schema.json`, is made of these types.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use event_api_spec::compat::{ALL_RULES, Date, Ignore, Level, Outcome, Report};
use event_api_spec::nearest;
use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::Compat;

/// What the file is called.
const FILE_NAME: &str = "event-api.toml";

/// The settings of a project, as `event-api.toml` has them.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// How versions of documents are compared.
    #[serde(default)]
    pub compat: CompatConfig,
    /// The file; what is relative in it is relative to its folder.
    #[serde(skip)]
    pub path: PathBuf,
}

/// The table `[compat]`.
#[derive(Clone, Debug, Default, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CompatConfig {
    /// What must hold between versions. Without it, what the document says (`x-compatibility`) counts, else `full`.
    pub mode: Option<Compat>,
    /// Take schemas as they are written: an object without `additionalProperties` may have any members.
    #[serde(default)]
    pub strict: bool,
    /// What becomes of a change of which it cannot be decided whether it breaks anybody.
    #[serde(default)]
    pub undecided: Undecided,
    /// The git ref to compare with when the command line names none, such as `origin/main`.
    pub against: Option<String>,
    /// The folder of released versions to compare with when the command line names none, relative to this file.
    pub history: Option<PathBuf>,
    /// Rules that matter more or less here than elsewhere, by their ids.
    #[serde(default)]
    #[cfg_attr(test, schemars(with = "BTreeMap<String, ConfiguredLevel>"))]
    levels: BTreeMap<toml::Spanned<String>, ConfiguredLevel>,
    /// Findings that are accepted.
    #[serde(default, rename = "ignore")]
    pub ignores: Vec<IgnoreEntry>,
}

/// What becomes of a change of which it cannot be decided whether it breaks anybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Undecided {
    /// The comparison fails.
    #[default]
    Fail,
    /// It is shown, and passes.
    Pass,
}

impl Undecided {
    /// The verdict on a comparison.
    pub fn verdict(self, report: &Report) -> Outcome {
        match report.verdict() {
            Outcome::Undecided if self == Undecided::Pass => Outcome::Compatible,
            verdict => verdict,
        }
    }
}

/// How much the findings of a rule matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
enum ConfiguredLevel {
    /// The comparison fails.
    Breaking,
    /// The comparison passes.
    Notice,
}

/// An entry of `[[compat.ignore]]`: findings that are accepted, and why.
#[derive(Clone, Debug, serde::Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct IgnoreEntry {
    /// The id of the rule.
    pub rule: String,
    /// A JSON Pointer: to the place of the finding, or to the message, operation, channel or server that it is in. `/**`
    /// at the end means whatever stands below as well.
    #[cfg_attr(test, schemars(regex(pattern = "^/")))]
    #[serde(deserialize_with = "pointer")]
    pub pointer: String,
    /// Why it is acceptable: for those who read this next year.
    #[cfg_attr(test, schemars(length(min = 1)))]
    #[serde(deserialize_with = "reason")]
    pub reason: String,
    /// The last day on which the entry counts.
    #[cfg_attr(test, schemars(with = "Option<String>", extend("format" = "date")))]
    #[serde(default, deserialize_with = "date")]
    pub expires: Option<Date>,
    /// The only document that the entry is for, relative to this file; without it, every document.
    pub document: Option<PathBuf>,
}

/// A settings file cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// It cannot be read.
    #[error("`{}` cannot be read: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no TOML, or says something that is no setting. The message shows the place.
    #[error("{}{message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// Line and column, what is wrong there, and what to write instead.
        message: String,
    },
}

impl Config {
    /// Reads a settings file.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or has something in it that is no setting.
    pub fn read(path: &Path) -> Result<Self, ConfigError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        Self::parse(path, &text)
    }

    /// Reads the nearest `event-api.toml` beside or above a document; `None` when there is none.
    ///
    /// # Errors
    ///
    /// As [`Config::read`].
    pub fn find(document: &Path) -> Result<Option<Self>, ConfigError> {
        let folder = document.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // What is above a path with `..` or links in it is not to be seen in its text. Of a folder that is not there,
        // loading the document says so.
        let Ok(folder) = folder.canonicalize() else { return Ok(None) };
        let Some(path) = folder.ancestors().map(|folder| folder.join(FILE_NAME)).find(|path| path.is_file()) else {
            return Ok(None);
        };
        // As the user would name it, where that is possible.
        let here = std::env::current_dir().and_then(|here| here.canonicalize());
        let near = here.ok().and_then(|here| path.strip_prefix(here).ok().map(Path::to_owned));
        Self::read(&near.unwrap_or(path)).map(Some)
    }

    /// Takes the text of a settings file.
    ///
    /// # Errors
    ///
    /// When something in it is no setting.
    pub fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let invalid = |message: String| ConfigError::Invalid { path: path.to_owned(), message };
        let mut config: Config = toml::from_str(text).map_err(|error| {
            let place = error.span().map(|span| place(text, span.start)).unwrap_or_default();
            invalid(format!("{place}: {}", error.message().trim_end().replace('\n', "; ")))
        })?;
        if let Some((rule, _)) = config.compat.levels.iter().find(|(rule, _)| !is_rule(rule.get_ref())) {
            let near = nearest(rule.get_ref(), ALL_RULES.iter().map(|rule| rule.id));
            let help = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
            let place = place(text, rule.span().start);
            return Err(invalid(format!("{place}: there is no rule `{}`{help}", rule.get_ref())));
        }
        config.path = path.to_owned();
        Ok(config)
    }

    /// The folder that paths in the file are relative to.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The ignore entries that are for a document.
    pub fn ignores_of(&self, document: &Path) -> Vec<Ignore> {
        let is_same = |other: &Path| match (self.folder().join(other).canonicalize(), document.canonicalize()) {
            (Ok(a), Ok(b)) => a == b,
            _ => self.folder().join(other) == document,
        };
        let entries = self.compat.ignores.iter();
        entries.filter(|entry| entry.document.as_deref().is_none_or(is_same)).map(IgnoreEntry::to_ignore).collect()
    }
}

impl CompatConfig {
    /// The levels that rules have here.
    pub fn levels(&self) -> impl Iterator<Item = (&str, Level)> {
        self.levels.iter().map(|(rule, level)| {
            let level = match level {
                ConfiguredLevel::Breaking => Level::Breaking,
                ConfiguredLevel::Notice => Level::Notice,
            };
            (rule.get_ref().as_str(), level)
        })
    }
}

impl IgnoreEntry {
    fn to_ignore(&self) -> Ignore {
        let ignore = Ignore::new(&self.rule, &self.pointer, &self.reason);
        match self.expires {
            Some(date) => ignore.expires(date),
            None => ignore,
        }
    }
}

fn is_rule(id: &str) -> bool {
    ALL_RULES.iter().any(|rule| rule.id == id)
}

/// `:3:7`, both counted from 1, columns in characters.
fn place(text: &str, at: usize) -> String {
    let before = text.get(..at).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!(":{line}:{column}")
}

fn pointer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.starts_with('/') {
        return Ok(text);
    }
    let message = format!("`{text}` is no JSON Pointer; write it as `/channels/users` or `/channels/users/**`");
    Err(de::Error::custom(message))
}

fn reason<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() { Err(de::Error::custom("an ignored finding needs a reason")) } else { Ok(text) }
}

/// A date of TOML, or a string.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    struct DateVisitor;

    impl<'de> Visitor<'de> for DateVisitor {
        type Value = Date;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a date, such as 2027-01-31")
        }

        fn visit_str<E: de::Error>(self, text: &str) -> Result<Date, E> {
            text.parse().map_err(de::Error::custom)
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Date, A::Error> {
            let date = toml::value::Datetime::deserialize(MapAccessDeserializer::new(map))?;
            self.visit_str(&date.to_string())
        }
    }

    deserializer.deserialize_any(DateVisitor).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> String {
        Config::parse(Path::new("event-api.toml"), text).unwrap_err().to_string()
    }

    #[test]
    fn every_setting_is_read() {
        let config = Config::parse(
            Path::new("spec/event-api.toml"),
            r#"
            [compat]
            mode = "full-transitive"
            strict = true
            undecided = "pass"
            against = "origin/main"
            history = "released"
            levels = { message-removed = "notice" }

            [[compat.ignore]]
            rule = "channel-removed"
            pointer = "/channels/legacy/**"
            reason = "nobody reads it"
            expires = 2027-01-31
            document = "users.yaml"

            [[compat.ignore]]
            rule = "channel-removed"
            pointer = "/channels/old"
            reason = "nobody reads it either"
            expires = "2027-01-31"
            "#,
        )
        .unwrap();
        assert_eq!(config.folder(), Path::new("spec"));
        let compat = config.compat;
        assert_eq!(compat.mode, Some(Compat::FullTransitive));
        assert!(compat.strict && compat.undecided == Undecided::Pass);
        assert_eq!(compat.levels().collect::<Vec<_>>(), [("message-removed", Level::Notice)]);
        assert_eq!(compat.ignores.len(), 2);
        assert_eq!(compat.ignores[0].expires, Date::new(2027, 1, 31));
        assert_eq!(compat.ignores[0].expires, compat.ignores[1].expires);
    }

    #[test]
    fn what_is_no_setting_is_named_with_its_place() {
        for (text, expected) in [
            ("[compat]\nmoode = 'full'\n", "event-api.toml:2:1: unknown field `moode`"),
            ("[compat]\nmode = 'ful'\n", "event-api.toml:2:8: unknown variant `ful`"),
            ("[compat]\nlevels = { message-remved = 'notice' }\n", "did you mean `message-removed`?"),
            ("[[compat.ignore]]\nrule = 'a'\n", "event-api.toml:1:1: missing field `pointer`"),
            ("[[compat.ignore]]\nrule = 'a'\npointer = '#/a'\nreason = 'b'\n", ":3:11: `#/a` is no JSON Pointer"),
            (
                "[[compat.ignore]]\nrule = 'a'\npointer = '/a'\nreason = ' '\n",
                ":4:10: an ignored finding needs a reason",
            ),
            (
                "[[compat.ignore]]\nrule = 'a'\npointer = '/a'\nreason = 'b'\nexpires = 2027-02-30\n",
                "event-api.toml:5:11:",
            ),
            (
                "[[compat.ignore]]\nrule = 'a'\npointer = '/a'\nreason = 'b'\nexpires = 'soon'\n",
                ":5:11: `soon` is no date; write it as 2027-01-31",
            ),
            ("[compat\n", "event-api.toml:1:8:"),
        ] {
            let said = fault(text);
            assert!(said.contains(expected), "{said}");
        }
    }

    #[test]
    fn the_nearest_file_above_counts() {
        let folder = tempfile::tempdir().unwrap();
        let spec = folder.path().join("spec/events");
        std::fs::create_dir_all(&spec).unwrap();
        std::fs::write(folder.path().join(FILE_NAME), "compat.mode = 'forward'").unwrap();
        let mode = || Config::find(&spec.join("users.yaml")).unwrap().unwrap().compat.mode;
        assert_eq!(mode(), Some(Compat::Forward));
        std::fs::write(spec.join(FILE_NAME), "compat.mode = 'backward'").unwrap();
        assert_eq!(mode(), Some(Compat::Backward));
        // `events` is in the path, and not above the document.
        let around = Config::find(&spec.join("../users.yaml")).unwrap().unwrap();
        assert_eq!(around.compat.mode, Some(Compat::Forward));
    }

    /// `EVENT_API_UPDATE=1` writes it anew.
    #[test]
    fn the_published_schema_is_that_of_the_types() {
        let mut schema = schemars::schema_for!(Config);
        schema.insert("title".to_owned(), "event-api.toml".into());
        let text = format!("{:#}\n", schema.as_value());
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/event-api.schema.json");
        if std::env::var_os("EVENT_API_UPDATE").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "run again with EVENT_API_UPDATE=1");
    }
}
