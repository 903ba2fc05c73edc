//! The five fields of an expression, as sets of bits.

use std::str::FromStr;

use jiff::civil::Date;

/// Which minutes, hours and days an expression matches: bit `n` stands for the value `n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fields {
    pub(super) minutes: u64,
    pub(super) hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

/// The bit of a field that says "any", which no value has: where a day is any, the other day decides alone.
const ANY: u64 = 1 << 63;

/// What a field may hold.
struct Bounds {
    what: &'static str,
    min: u32,
    max: u32,
    /// Names of values, from `min` on.
    names: &'static [&'static str],
}

const MINUTES: Bounds = Bounds { what: "minute", min: 0, max: 59, names: &[] };
const HOURS: Bounds = Bounds { what: "hour", min: 0, max: 23, names: &[] };
const DAYS: Bounds = Bounds { what: "day of the month", min: 1, max: 31, names: &[] };
const MONTHS: Bounds = Bounds {
    what: "month",
    min: 1,
    max: 12,
    names: &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"],
};
const WEEKDAYS: Bounds =
    Bounds { what: "day of the week", min: 0, max: 6, names: &["sun", "mon", "tue", "wed", "thu", "fri", "sat"] };

impl Fields {
    /// Whether any minute of this day can match.
    pub(super) fn take_day(&self, day: Date) -> bool {
        let has = |set: u64, value: i8| set & (1_u64 << (value & 63)) != 0;
        if !has(self.months, day.month()) {
            return false;
        }
        let by_day = has(self.days, day.day());
        let by_weekday = has(self.weekdays, day.weekday().to_sunday_zero_offset());
        if (self.days | self.weekdays) & ANY != 0 { by_day && by_weekday } else { by_day || by_weekday }
    }
}

impl FromStr for Fields {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = words[..] else {
            return Err(format!("it has {} fields, and needs five", words.len()));
        };
        Ok(Self {
            minutes: MINUTES.set(minutes)?,
            hours: HOURS.set(hours)?,
            days: DAYS.set(days)?,
            months: MONTHS.set(months)?,
            weekdays: WEEKDAYS.set(weekdays)?,
        })
    }
}

impl Bounds {
    fn set(&self, field: &str) -> Result<u64, String> {
        field.split(',').try_fold(0, |set, element| Ok(set | self.element(element)?))
    }

    /// `*`, `5`, `1-5`, and each of them with `/step`.
    fn element(&self, element: &str) -> Result<u64, String> {
        let wrong = |why: String| format!("the {} \"{element}\" {why}", self.what);
        let (range, step) = match element.split_once('/') {
            None => (element, None),
            Some((range, step)) => (range, Some(self.number(step).map_err(wrong)?)),
        };
        let (from, to) = range.split_once('-').map_or((range, None), |(from, to)| (from, Some(to)));
        let any = matches!(from, "*" | "?");
        let (low, high) = match (any, to) {
            (true, _) => (self.min, self.max),
            (false, Some(to)) => (self.value(from).map_err(wrong)?, self.value(to).map_err(wrong)?),
            // A single value with a step goes on to the end.
            (false, None) if step.is_some() => (self.value(from).map_err(wrong)?, self.max),
            (false, None) => (self.value(from).map_err(wrong)?, self.value(from).map_err(wrong)?),
        };
        if low < self.min || high > self.max {
            return Err(wrong(format!("is out of range: it goes from {} to {}", self.min, self.max)));
        }
        if low > high {
            return Err(wrong("begins behind its end".to_owned()));
        }
        let step = step.unwrap_or(1);
        if step == 0 {
            return Err(wrong("has a step of zero".to_owned()));
        }
        let values = (low..=high).step_by(step as usize).fold(0, |set, value| set | (1_u64 << value));
        Ok(if any && step == 1 { values | ANY } else { values })
    }

    fn value(&self, text: &str) -> Result<u32, String> {
        let lower = text.to_ascii_lowercase();
        match (self.min..).zip(self.names).find(|(_, name)| **name == lower) {
            Some((value, _)) => Ok(value),
            None => self.number(text),
        }
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        match text.parse() {
            Ok(number) if digits => Ok(number),
            _ if self.names.is_empty() => Err("is not a number, a range or a step".to_owned()),
            _ => Err(format!("is not a number, a name ({} …), a range or a step", self.names[..2].join(", "))),
        }
    }
}
