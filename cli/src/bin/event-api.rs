//! `event-api …`: the same program for those who have no cargo at hand, as in a CI job that only checks documents.

fn main() -> std::process::ExitCode {
    cargo_event_api::main()
}
