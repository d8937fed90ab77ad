//! Generates the user service's events into `OUT_DIR`, and again when the document changes.

fn main() -> Result<(), event_api_codegen::BuildError> {
    event_api_codegen::configure().compile_as("user_service", "../user-service/spec/asyncapi.yaml")
}
