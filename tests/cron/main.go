// Prints what github.com/robfig/cron/v3 makes of expressions: the table that the tests of kbackup's own cron compare with.
//
//	go run . > ../../crates/kbackup-core/src/spec/cron/robfig.tsv
package main

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata"

	"github.com/robfig/cron/v3"
)

// Expressions, good and bad. What is bad is printed as an error, in no words: only that it is one.
var expressions = []string{
	"* * * * *", "0 2 * * *", "30 1 * * *", "30 2 * * *", "0 0 * * *", "59 23 31 12 *",
	"*/15 * * * *", "5/15 * * * *", "0-30/10 * * * *", "1,2,3 4,5 * * *", "0 0 29 2 *", "0 0 30 2 *", "0 0 31 * *",
	"0 3 1 * 1", "0 3 */2 * 1", "0 3 * * 1-5", "0 3 */1 * 1", "0 3 ? * MON", "0 3 1 JAN,jul Sun", "0 0 13 * FRI", "15 10 ? * 6",
	"0 22-23,0 * * *", "0 */7 * * *", "0 12 * feb-apr */2", "0 0 1 1 *", "10/20 5/6 1/10 2/3 *", "0 1-3 * * *",
	"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly",
	"@every 1h30m", "@every 90s", "@every 1.5h", "@every 100ms", "@every 24h0m0s", "@every 1h1s500ms",
	"CRON_TZ=Asia/Tokyo 0 5 * * *", "TZ=America/New_York 30 1 * * *", "CRON_TZ=Europe/Berlin @daily", "TZ=UTC  0 6 * * *",
	"0 0 * * 7", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 13 *", "* * * 0 *", "* * * * 8",
	"* * * *", "* * * * * *", "", "0 0 L * *", "0 0 * * 1#2", "5-1 * * * *", "*/0 * * * *", "1/2/3 * * * *", "1-2-3 * * * *",
	"a * * * *", "-1 * * * *", "* * * foo *", "* * JAN * *", "@every", "@every x", "@fortnightly", "@Daily", "CRON_TZ=Nowhere/City 0 0 * * *",
	"*/61 * * * *", "0/60 * * * *", "* * * january *", "1..2 * * * *", "1, * * * *", "*,5 * * * *", "0 0 1-31 * 2", "0 0 * * 0-6",
}

var zones = []string{"UTC", "Europe/Berlin", "America/New_York", "Australia/Sydney"}

// Moments around what is hard: both changes of summer time, leap days, ends of months and years.
var moments = []string{
	"2026-11-25T02:20:42Z", "2026-03-29T00:29:59Z", "2026-03-29T01:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z",
	"2026-10-25T01:30:00Z", "2026-03-08T06:15:00Z", "2026-11-01T05:30:00Z", "2026-11-01T06:30:00Z", "2026-04-04T15:30:00Z",
	"2026-10-03T15:59:59Z", "2027-02-28T23:59:59Z", "2028-02-28T12:00:00Z", "2028-02-29T00:00:00Z", "2026-12-31T23:59:30.5Z",
	"2096-03-01T00:00:00Z",
}

func main() {
	fmt.Printf("expression\tzone\t%s\n", strings.Join(moments, "\t"))
	for _, expression := range expressions {
		schedule, err := cron.ParseStandard(expression)
		if err != nil {
			fmt.Printf("%s\terror\n", expression)
			continue
		}
		for _, zone := range zones {
			row := []string{expression, zone}
			for _, text := range moments {
				row = append(row, next(schedule, zone, text))
			}
			fmt.Println(strings.Join(row, "\t"))
		}
	}
}

func next(schedule cron.Schedule, zone, text string) string {
	location, err := time.LoadLocation(zone)
	if err != nil {
		panic(err)
	}
	moment, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		panic(err)
	}
	at := schedule.Next(moment.In(location))
	if at.IsZero() {
		return "never"
	}
	return at.UTC().Format(time.RFC3339)
}
