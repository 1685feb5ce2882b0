//! `federate metadata fetch`.

use super::verify::judge;
use super::{deliver, progress, refused};
use crate::Output;
use crate::failure::Failure;
use crate::input::MAX_METADATA;
use crate::options::FetchArgs;
use crate::problem::Problem;
use federate_http::{Client, HttpError, Options};
use std::time::Duration;

pub(super) fn run(args: &FetchArgs) -> Result<Output, Problem> {
    let octets = match fetch(args)? {
        Ok(octets) => octets,
        Err(e) => {
            let failure = Failure {
                code: e.code(),
                message: e.to_string(),
                expected: None,
                actual: None,
            };
            return refused(&args.url, &failure, false);
        }
    };
    let told = if args.cert.is_empty() {
        "federate: without --cert nothing was verified\n".to_owned()
    } else {
        match judge(&octets, &args.cert, &args.judging)? {
            Ok(accepted) => accepted.to_text(),
            Err(failure) => return refused(&args.url, &failure, false),
        }
    };
    Ok(Output {
        stderr: told,
        ..deliver(octets, args.out.as_deref())?
    })
}

fn fetch(args: &FetchArgs) -> Result<Result<Vec<u8>, HttpError>, Problem> {
    let seconds = u64::try_from(args.timeout.num_seconds()).unwrap_or_default();
    let options = Options {
        allow_private_addresses: args.allow_private,
        allow_http: args.allow_http,
        timeout: Duration::from_secs(seconds),
        max_bytes: MAX_METADATA,
        ..Options::default()
    };
    let client = Client::new(&options).map_err(|e| Problem::of("fetching", e))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| Problem::of("fetching", e))?;
    progress(format_args!("fetching {}", args.url));
    let mut octets = Vec::new();
    let fetched = runtime.block_on(client.fetch(&args.url, None, &mut octets));
    Ok(fetched.map(|_| octets))
}
