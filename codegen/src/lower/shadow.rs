//! Fields that would be called like a newtype. A binding cannot have the name of a tuple struct, and scripts without case
//! write both alike: `日本` is a type and a field.

use std::collections::HashSet;

use crate::ir::{AddressPart, Api, Kind};

/// Gives fields that have the name of a newtype an underscore behind it.
pub(super) fn separate(api: &mut Api) {
    let is_newtype = |kind: &Kind| matches!(kind, Kind::Newtype(_));
    let newtypes = api.types.iter().filter(|(_, definition)| is_newtype(&definition.kind));
    let newtypes: HashSet<String> = newtypes
        .map(|(_, definition)| definition.name.clone())
        .filter(|name| !name.starts_with(char::is_uppercase))
        .collect();
    if newtypes.is_empty() {
        return;
    }
    let separate = |field: &mut String| {
        if newtypes.contains(field.as_str()) {
            field.push('_');
        }
    };
    for definition in &mut api.types.definitions {
        if let Kind::Struct(object) = &mut definition.kind {
            object.fields.iter_mut().for_each(|field| separate(&mut field.name));
        }
    }
    for set in &mut api.sets {
        for part in set.typed_address.iter_mut().flat_map(|address| &mut address.parts) {
            if let AddressPart::Parameter { field, .. } = part {
                separate(field);
            }
        }
        let accessors = set.events.iter_mut().filter_map(|event| event.correlation_id.as_mut());
        accessors.flat_map(|accessor| &mut accessor.fields).for_each(|(field, _)| separate(field));
    }
}
