//! Manual pages and completions, made of the command line's own definition.

use crate::Output;
use crate::options::{Cli, CompletionsArgs, ManArgs};
use crate::problem::Problem;
use clap::CommandFactory as _;

/// `federate completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<Output, Problem> {
    let mut output = Output::default();
    let (mut command, shell) = (Cli::command(), args.shell);
    clap_complete::generate(shell, &mut command, "federate", &mut output.stdout);
    Ok(output)
}

/// `federate man`.
pub(crate) fn man(args: &ManArgs) -> Result<Output, Problem> {
    let mut output = Output::default();
    match &args.dir {
        None => clap_mangen::Man::new(Cli::command())
            .render(&mut output.stdout)
            .map_err(|e| Problem::of("manual page", e))?,
        Some(dir) => std::fs::create_dir_all(dir)
            .and_then(|()| clap_mangen::generate_to(Cli::command(), dir))
            .map_err(|e| Problem::of(dir.display(), e))?,
    }
    Ok(output)
}
