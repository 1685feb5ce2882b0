//! The hub of single sign-on, with two demo applications. `hub --help` tells the rest.

fn main() -> std::process::ExitCode {
    federate_examples::main()
}
