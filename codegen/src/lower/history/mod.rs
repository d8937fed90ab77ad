//! Several versions of a document side by side. Their modules come in, each lowered by itself, the oldest first; what is
//! the same in two of them becomes one type, and the newest learns how to read the events of the others.

mod alike;
mod convert;
mod names;
mod order;
mod reuse;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use event_api_spec::Diagnostic;

use crate::ir::{
    Api, Conversion, DefinitionId, EarlierEvent, EarlierHeaders, Event, EventSet, Module, Reused, SaidOfTypes, Type,
    TypeOf, Version,
};
use crate::rules;
use crate::settings::Side;
use convert::Converter;

/// Connects the versions, and warns of what is lost between them.
///
/// # Errors
/// When they cannot stand beside each other: two have one name or one version, or their order is not that of their
/// versions; or when an event cannot be brought from one version to the next.
pub(crate) fn connect(apis: &mut [Api], paths: &[&Path], side: Side) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
    let documents: Vec<_> = paths.iter().zip(apis.iter()).map(|(path, api)| (*path, api.version.as_str())).collect();
    let names = names::of_modules(&documents).map_err(|(a, b)| {
        let message = format!(
            "`{}` and `{}` would be generated as modules of one name; modules are called after their files",
            paths[a].display(),
            paths[b].display()
        );
        vec![Diagnostic::without_location(rules::VERSIONS_ALIKE, message).help("give the files different names")]
    })?;
    order::check(apis)?;
    let reused: Vec<_> = apis.windows(2).map(|two| reuse::find(&two[0], &two[1])).collect();
    let mut converter = Converter::new(apis, &reused);
    // Who only publishes reads nothing, and needs no conversions.
    let events = if side == Side::Publisher { Vec::new() } else { newest_events(apis, &mut converter)? };
    let warnings = if side == Side::Publisher { Vec::new() } else { warn_of_channels(apis) };
    let mut written_out = converter.written_out;
    let mut said_later = said_later(apis, &reused);
    let versions = apis.iter().zip(&names).map(|(api, name)| Version {
        number: api.version.clone(),
        module: name.clone(),
        names: api.types.iter().map(|(_, definition)| definition.name.clone()).collect(),
    });
    let versions: Vec<Version> = versions.collect();
    let mut modules: Vec<Module> = names
        .iter()
        .enumerate()
        .map(|(version, name)| Module {
            name: name.clone(),
            version,
            reused: reused
                .get(version)
                .into_iter()
                .flatten()
                .map(|(old, new)| {
                    let module = names[version + 1].clone();
                    (*old, Reused { module, name: apis[version + 1].types[*new].name.clone() })
                })
                .collect(),
            versions: versions.clone(),
            events: Vec::new(),
            declared: Vec::new(),
            upcasts: std::mem::take(&mut written_out[version]),
            said_later: std::mem::take(&mut said_later[version]),
        })
        .collect();
    if let Some(newest) = modules.last_mut() {
        newest.events = events;
        newest.declared = declared_by(apis);
    }
    for (api, module) in apis.iter_mut().zip(modules) {
        api.module = Some(module);
    }
    Ok(warnings)
}

/// The channels that only earlier versions have. No handler of the newest is for them, and that is seen nowhere else.
fn warn_of_channels(apis: &[Api]) -> Vec<Diagnostic> {
    let Some((newest, earlier)) = apis.split_last() else { return Vec::new() };
    let mut seen: HashSet<&str> = newest.sets.iter().map(|set| set.channel_name.as_str()).collect();
    let mut found = Vec::new();
    // The last version that has it is the one whose handlers read most of it.
    for api in earlier.iter().rev() {
        for set in api.sets.iter().filter(|set| !set.is_part) {
            if seen.insert(&set.channel_name) {
                let (channel, version) = (&set.channel_name, &api.version);
                let message = format!(
                    "the channel `{channel}` of version {version} (`{}`) is not in version {}: handlers of the newest \
                     version do not get its events",
                    api.source, newest.version
                );
                let help = format!(
                    "give it the key that it had, if it is still there; or run a handler of version {version} for it"
                );
                found.push(Diagnostic::without_location(rules::VERSIONS_CHANNEL_GONE, message).help(help));
            }
        }
    }
    found
}

/// For each event of each set of the newest version, the earlier versions that declare it.
fn declared_by(apis: &[Api]) -> Vec<Vec<Vec<usize>>> {
    let Some((newest, earlier)) = apis.split_last() else { return Vec::new() };
    let versions = |set: &EventSet, event: &Event| {
        let all = earlier.iter().enumerate();
        all.filter(|(_, api)| declared(api, set, event).is_some()).map(|(version, _)| version).collect()
    };
    newest.sets.iter().map(|set| set.events.iter().map(|event| versions(set, event)).collect()).collect()
}

/// What each version's module leaves to say to a later one, about the types that are of both. A message that a later
/// version dropped is spoken of by the last that has it.
fn said_later(apis: &[Api], reused: &[BTreeMap<DefinitionId, DefinitionId>]) -> Vec<SaidOfTypes> {
    let mut all = vec![SaidOfTypes::default()];
    for (reused, later) in reused.iter().zip(apis.iter().skip(1)).rev() {
        let (mut said, still_later) = (said_of_types(later), all.last().cloned().unwrap_or_default());
        said.events.extend(still_later.events);
        said.requests.extend(still_later.requests);
        said.correlation_ids.extend(still_later.correlation_ids);
        let of_old = |said: &BTreeSet<DefinitionId>| {
            reused.iter().filter(|(_, new)| said.contains(new)).map(|(old, _)| *old).collect()
        };
        all.push(SaidOfTypes {
            events: of_old(&said.events),
            requests: of_old(&said.requests),
            correlation_ids: of_old(&said.correlation_ids),
        });
    }
    all.reverse();
    all
}

/// What the module of this version has to say of its types.
fn said_of_types(api: &Api) -> SaidOfTypes {
    let mut said = SaidOfTypes::default();
    for set in &api.sets {
        for event in &set.events {
            said.events.extend(event.named_payload().filter(|_| event.owns_payload && set.is_only_use(event)));
            said.requests.extend(event.named_payload().filter(|_| event.is_request && !event.replies.is_empty()));
            said.correlation_ids.extend(event.correlated().map(|(id, _)| id));
        }
    }
    said
}

/// The events that two versions have in common: of one channel, with one type on the wire.
fn common_events<'a>(old: &'a Api, new: &'a Api) -> Vec<(&'a Event, &'a Event)> {
    let mut common = Vec::new();
    for set in new.sets.iter().filter(|set| !set.is_part) {
        for event in &set.events {
            common.extend(declared(old, set, event).map(|older| (older, event)));
        }
    }
    common
}

/// The event as this version declares it for the channel of `set`.
fn declared<'a>(api: &'a Api, set: &EventSet, event: &Event) -> Option<&'a Event> {
    let same = api.sets.iter().find(|other| !other.is_part && other.channel_name == set.channel_name)?;
    same.events.iter().find(|other| other.event_type == event.event_type)
}

/// For each set of the newest version, the events of earlier ones that are not what they are there.
fn newest_events(apis: &[Api], converter: &mut Converter<'_>) -> Result<Vec<Vec<EarlierEvent>>, Vec<Diagnostic>> {
    let Some((newest, earlier)) = apis.split_last() else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    let mut sets = Vec::new();
    for set in &newest.sets {
        let mut rows = Vec::new();
        for (index, event) in set.events.iter().enumerate() {
            // Those that declare it, from the oldest to the newest: from each it goes to the next.
            let way = earlier.iter().enumerate();
            let way = way.filter_map(|(version, api)| Some((version, declared(api, set, event)?)));
            let way: Vec<(usize, &Event)> = way.chain([(earlier.len(), event)]).collect();
            for start in 0..way.len() - 1 {
                match row(&way[start..], converter) {
                    Ok(Some(row)) => rows.push(EarlierEvent { event: index, ..row }),
                    Ok(None) => {}
                    Err((from, to, part)) => {
                        let part = if part == Part::Payload { "payload" } else { "headers" };
                        let (from, to) = (&apis[from].version, &apis[to].version);
                        let message = format!(
                            "the {part} of `{}` on the channel `{}` cannot be brought from version {from} to {to}: both \
                             are types of Rust's own, and none that an `Upcast` could be written for",
                            event.event_type, set.channel_name
                        );
                        let help = "make one of them an object, or constrain it (`minLength`, `minimum`), so that it \
                                    becomes a type of the module; or leave the earlier version out";
                        let found_one = Diagnostic::without_location(rules::VERSIONS_UNRELATED, message).help(help);
                        if !set.is_part {
                            found.push(found_one);
                        }
                    }
                }
            }
        }
        sets.push(rows);
    }
    if found.is_empty() { Ok(sets) } else { Err(found) }
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Payload,
    Headers,
}

/// How the first event of `way` becomes the last; `None` when it is read as the last is.
fn row(way: &[(usize, &Event)], converter: &mut Converter<'_>) -> Result<Option<EarlierEvent>, (usize, usize, Part)> {
    let Some((version, first)) = way.first().copied() else { return Ok(None) };
    let mut row = EarlierEvent {
        version,
        event: 0,
        payload: first.payload.clone(),
        headers: first.headers.clone().map(EarlierHeaders::Declared),
        payload_steps: Vec::new(),
        header_steps: Vec::new(),
    };
    for two in way.windows(2) {
        let ((from, old), (to, new)) = (two[0], two[1]);
        let nothing = Type::Null;
        let mut step = |old: &Type, new: &Type, part: Part| {
            let old = TypeOf { version: from, ty: old };
            converter.conversion(old, TypeOf { version: to, ty: new }).ok_or((from, to, part))
        };
        match (&old.payload, &new.payload) {
            (old, Some(new)) => row.payload_steps.push(step(old.as_ref().unwrap_or(&nothing), new, Part::Payload)?),
            // What one version leaves out, a later one does not get back.
            (_, None) => (row.payload, row.payload_steps) = (None, Vec::new()),
        }
        match (&old.headers, &new.headers) {
            (Some(old), Some(new)) => row.header_steps.push(step(old, new, Part::Headers)?),
            (None, Some(new)) => {
                row.headers = Some(EarlierHeaders::Raw);
                let raw = Type::Custom("::event_api::Headers".to_owned());
                let (from, to) = (TypeOf { version: from, ty: raw }, TypeOf { version: to, ty: new.clone() });
                row.header_steps = vec![Conversion::Upcast { from, to }];
            }
            (_, None) => (row.headers, row.header_steps) = (None, Vec::new()),
        }
    }
    row.payload_steps.retain(|step| *step != Conversion::Same);
    row.header_steps.retain(|step| *step != Conversion::Same);
    let same = row.payload_steps.is_empty() && row.header_steps.is_empty();
    Ok((!same).then_some(row))
}
