//! Generates the documents under `documents/` into `OUT_DIR`, for the suites and benchmarks that include them.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::{env, fs};

use event_api_codegen::{GenerateError, Generated, Generator, Side, UnknownEvents};

fn main() -> Result<(), Box<dyn Error>> {
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("OUT_DIR is not set")?);
    println!("cargo::rerun-if-changed=documents");
    // What documents refer to.
    println!("cargo::rerun-if-changed=parts");
    println!("cargo::rerun-if-changed=versions");
    for entry in fs::read_dir("documents")? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).ok_or("a document without a name")?;
        generate(&Generator::new(), &path, &out.join(format!("{stem}.rs")))?;
    }
    let variations = [
        ("refusing", "events", Generator::new().unknown_events(UnknownEvents::Refuse)),
        ("publishing", "events", Generator::new().side(Side::Publisher)),
        ("consuming", "events", Generator::new().side(Side::Consumer)),
        ("exact", "options", Generator::new().exact()),
        (
            "changed",
            "options",
            Generator::new()
                .replace("ThingId", "crate::MyId")
                .rename("Thing", "Gadget")
                .derive("Gadget", "::core::cmp::Eq")
                .derive("#/components/schemas/Thing", "::core::hash::Hash")
                .attr("Size", "repr(u8)")
                .rename("#/channels/warehouse", "Depot")
                .rename("#/channels/warehouse/parameters/region", "Zone")
                .rename("ShelfEventsAddress", "ShelfAddress")
                .derive("DepotAddress", "PartialOrd")
                .attr("*", "must_use"),
        ),
        (
            "lenient",
            "options",
            Generator::new().open_enum("Size").keep_unknown("*").format("duration", "crate::Duration"),
        ),
    ];
    for (name, document, generator) in variations {
        let path = Path::new("documents").join(format!("{document}.yaml"));
        generate(&generator, &path, &out.join(format!("{name}.rs")))?;
    }
    let versions = ["versions/v1.yaml", "versions/v2.yaml", "versions/v3.yaml"].map(Path::new);
    write(Generator::new().versions(&versions), versions[2], &out.join("versions.rs"))?;
    let refusing = Generator::new().side(Side::Consumer).unknown_events(UnknownEvents::Refuse);
    write(refusing.versions(&versions[1..]), versions[2], &out.join("versions_refusing.rs"))
}

fn generate(generator: &Generator, document: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    write(generator.document(document), document, out)
}

fn write(generated: Result<Generated, GenerateError>, document: &Path, out: &Path) -> Result<(), Box<dyn Error>> {
    match generated {
        Ok(generated) => Ok(fs::write(out, generated.to_include()?)?),
        Err(GenerateError::Document(errors)) => {
            let mut text = format!("{} cannot be generated", document.display());
            for diagnostic in &errors.diagnostics {
                let place = diagnostic.location().map(|location| errors.sources.display(location.span));
                text.push_str(&format!("\n{}: {}", place.unwrap_or_default(), diagnostic.message));
            }
            Err(text.into())
        }
        Err(error) => Err(error.into()),
    }
}
