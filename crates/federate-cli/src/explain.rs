//! `federate explain`.

mod examine;
mod report;
mod signature;

use crate::Output;
use crate::input::{self, Encodings};
use crate::options::ExplainArgs;
use crate::problem::Problem;
use crate::setting::Setting;
use crate::terminal::json;

pub(crate) fn run(args: &ExplainArgs) -> Result<Output, Problem> {
    let setting = Setting::load(&args.response)?;
    let message = input::message(input::read(&args.response.file)?, Encodings::Post);
    let mut report = examine::examine(&setting, message);
    if !args.canonical {
        report.canonical.clear();
    }
    let text = match args.response.json {
        true => json(&report)?,
        false => report.to_text(),
    };
    Ok(Output {
        stdout: text.into_bytes(),
        stderr: setting.remark().to_owned(),
        refused: !report.ok,
    })
}
