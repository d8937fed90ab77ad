#[event_api::event_api(versions = ["spec/v1.yaml", "spec/v1.yaml"])]
mod users {}

fn main() {}
