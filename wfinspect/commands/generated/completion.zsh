#compdef wfinspect
# Completion of wfinspect for zsh.
_wfinspect() {
    local curcontext=$curcontext state line
    local -A opt_args
    local -a common commands
    common=(
        '*--profile=[profile of ~/.aliyun/config.json to use (default\: its current one)]:NAME: '
        '*--region=[region of the workspace (default\: the profile'"'"'s, else cn-shanghai)]:REGION:(cn-hangzhou cn-shanghai cn-shenzhen cn-beijing cn-zhangjiakou cn-wulanchabu cn-chengdu cn-qingdao cn-huhehaote cn-hangzhou-finance cn-shanghai-finance-1 cn-shenzhen-finance-1 cn-beijing-finance-1 cn-north-2-gov-1 cn-hongkong ap-southeast-1 ap-southeast-3 ap-southeast-5 ap-southeast-7 ap-northeast-1 ap-northeast-2 us-west-1 us-east-1 eu-central-1 eu-west-1 me-east-1 me-central-1)'
        '*--endpoint=[which endpoint of the service to call (default\: the profile'"'"'s, else public)]:public|vpc|URL:(public vpc)'
        '*--interval=[how often a running instance is read (at least 2)]:D: '
        '*--budget=[calls a day to stay under]:CALLS: '
        '*--config=[another config.toml (default\: ~/.config/wfinspect/config.toml)]:FILE:_files'
        '*--state-dir=[where the watched list and the log are kept (default\: ~/.local/state/wfinspect)]:DIR:_directories'
        '*--time-zone=[zone of the times shown (default\: this machine'"'"'s)]:ZONE: '
        '(--mouse --no-mouse)--mouse[mouse support (default\: off under SSH)]'
        '(--mouse --no-mouse)--no-mouse[mouse support (default\: off under SSH)]'
        '(--low-bandwidth --no-low-bandwidth)--low-bandwidth[10 frames a second at most, in 256 colours at most (default\: on under SSH)]'
        '(--low-bandwidth --no-low-bandwidth)--no-low-bandwidth[10 frames a second at most, in 256 colours at most (default\: on under SSH)]'
        '(--ascii --no-ascii)--ascii[plain ASCII instead of glyphs]'
        '(--ascii --no-ascii)--no-ascii[plain ASCII instead of glyphs]'
        '*--theme=[colours\: auto, dark, light, ansi, colorblind, contrast]:NAME:(auto dark light ansi colorblind contrast)'
        '*--color=[colours of printed text\: auto (on a terminal, without NO_COLOR), always, never]:WHEN:(auto always never)'
        '*--log-level=[what the log gets\: DEBUG, INFO, WARNING, ERROR]:LEVEL:(debug info warning error)'
        '(--version)--version[print the version]'
        '(-h --help)-h[print what there is]'
        '(-h --help)--help[print what there is]'
    )
    commands=(
        'demo:the app on a simulated service: no account, no network'
        'get:print instances once'
        'status:print the status of the watched list, a line each'
        'watch:follow instances without a screen until they are done'
        'find:print the instances of a workspace and business date'
        'tasks:print an instance'"'"'s tasks, what needs you first'
        'logs:print the log of the failed or running task'
        'history:print the recorded changes'
        'compare:print an instance beside its last success'
        'upstream:print what an instance waits for'
        'downstream:print what an instance holds up'
        'report:print a report of what failed, for a ticket'
        'list:print and edit the watched list'
        'follow:have new runs join the watched list by themselves'
        'simulate:serve a simulated DataWorks to other programs'
        'doctor:check credentials, service, terminal and notifications'
        'info:where files are, and where each setting came from'
        'help:print a page of the manual: keys, search, ssh, ...'
        'completion:print a script for bash, zsh or fish: Tab completes'
    )
    _arguments -C -A '-*' $common '1: :->command' '*:: :->rest' && return
    case $state in
        command) _describe command commands ;;
        rest)
            case $words[1] in
                demo) _arguments $common '*:ID: ' ;;
                get) _arguments $common '*:ID: ' '*-o[table, json, csv; json prints the service'"'"'s object as it came, an array for several (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints the service'"'"'s object as it came, an array for several (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' '*--field=[print this field'"'"'s value as the service has it, e.g. Status; times are milliseconds. Several, as in Status,Name, are separated by tabs; with several IDs the ID comes first]:NAME:(Id Name Status Type EnvType WorkflowId WorkflowTaskInstanceId UnifiedWorkflowInstanceId ProjectId BizDate StartedTime FinishedTime CreateTime ModifyTime Owner CreateUser ModifyUser WorkflowParameters Tags)' ;;
                status) _arguments $common '*:ID|WORD: ' '(--short)--short[one line from what is stored, without a call, such as\: X1 >2 +11 !1]' '(--follow)--follow[with --short\: print a line at each change, for a bar that shows the last line]' '*-o[table, json, csv, prometheus; json prints an array of rows (default\: table)]:FORM:(table json csv prometheus)' '*--output=[table, json, csv, prometheus; json prints an array of rows (default\: table)]:FORM:(table json csv prometheus)' '(--json)--json[the same as -o json]' ;;
                watch) _arguments $common '*:ID|WORD: ' '*--project=[the workspace]:ID: ' '*--workspace=[the workspace]:ID: ' '*--name=[a part of the name]:TEXT: ' '*--status=[Failure, Running, Checking, WaitTime, CheckingCondition, WaitResource, NotRun, Success]:STATUS:(Failure Running Checking WaitTime CheckingCondition WaitResource NotRun Success)' '*--type=[Normal, Manual, SmokeTest, SupplementData, ManualWorkflow, TriggerWorkflow]:TYPE:(Normal Manual SmokeTest SupplementData ManualWorkflow TriggerWorkflow)' '*--owner=[the owner'"'"'s account ID]:ID: ' '*--tag=[a tag, or its key alone; of several one is enough]:K\:V: ' '*--workflow=[the workflow]:ID: ' '*--trigger=[what started them\: a UnifiedWorkflowInstanceId]:ID: ' '*--env=[Prod, Dev]:ENV:(Prod Dev)' '*--bizdate=[the business date\: 2026-11-28, 20261128, today, yesterday, -2d]:DATE:(today yesterday)' '*--date=[the business date\: 2026-11-28, 20261128, today, yesterday, -2d]:DATE:(today yesterday)' '*--until=[all\:done (the default), all\:success, all\:failure, any\:done, any\:success or any\:failure]:CONDITION:(all\:done all\:success all\:failure any\:done any\:success any\:failure)' '*--file=[read IDs from a file, of a table those of its column Id; - for standard input; may be repeated]:FILE:_files' '*-o[table, json, csv; json prints an object for each change, each on a line (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an object for each change, each on a line (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' '*--timeout=[end after so long\: 90, 90s, 5m, 2h, 1d]:D: ' '(--fail-fast)--fail-fast[end as soon as the condition can'"'"'t come true]' '(--notify)--notify[run the command of \[notify\], as the app does]' '(--forever)--forever[keep the watched list and what is followed up to date, until it is ended; it waits for credentials, too]' ;;
                find) _arguments $common '*:WORD: ' '*--project=[the workspace]:ID: ' '*--workspace=[the workspace]:ID: ' '*--name=[a part of the name]:TEXT: ' '*--status=[Failure, Running, Checking, WaitTime, CheckingCondition, WaitResource, NotRun, Success]:STATUS:(Failure Running Checking WaitTime CheckingCondition WaitResource NotRun Success)' '*--type=[Normal, Manual, SmokeTest, SupplementData, ManualWorkflow, TriggerWorkflow]:TYPE:(Normal Manual SmokeTest SupplementData ManualWorkflow TriggerWorkflow)' '*--owner=[the owner'"'"'s account ID]:ID: ' '*--tag=[a tag, or its key alone; of several one is enough]:K\:V: ' '*--workflow=[the workflow]:ID: ' '*--trigger=[what started them\: a UnifiedWorkflowInstanceId]:ID: ' '*--env=[Prod, Dev]:ENV:(Prod Dev)' '*--bizdate=[the business date\: 2026-11-28, 20261128, today, yesterday, -2d]:DATE:(today yesterday)' '*--date=[the business date\: 2026-11-28, 20261128, today, yesterday, -2d]:DATE:(today yesterday)' '*-o[table, json, csv; json prints an array of the service'"'"'s objects (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of the service'"'"'s objects (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                tasks) _arguments $common '*:ID: ' '1:WORD:(list remove)' '*--status=[only those in a state\: NotRun, Running, WaitTime, CheckingCondition, WaitResource, WaitTrigger, Failure, Success, Checking, frozen, dry-run]:STATUS:(NotRun Running WaitTime CheckingCondition WaitResource WaitTrigger Failure Success Checking frozen dry-run)' '*-o[table, json, csv; json prints an array of the service'"'"'s objects (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of the service'"'"'s objects (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                logs) _arguments $common '*:ID: ' '*--task=[of this task, by its name or ID; with its ID the instance'"'"'s can be left out]:TASK: ' '(--failed)--failed[of each failed task, below a line that names it; frozen ones are passed over]' '*--run=[of run N, from 1; without --task of the task that needs you most among those that have it]:N: ' '*--tail=[only the last N lines]:N: ' '*--grep=[only lines that match; a capital letter makes case count]:REGEX: ' '(--follow)--follow[print what comes until that task'"'"'s run is over, also after an outage; read every 30s or --interval]' ;;
                history) _arguments $common '*:ID|WORD: ' '*-o[table, json, csv; json prints an array of changes (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of changes (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                compare) _arguments $common '*:ID: ' '*-o[table, json, csv; json prints an array of fields and tasks (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of fields and tasks (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                upstream) _arguments $common '*:ID: ' '*--task=[of this task, by its name or ID; with its ID the instance'"'"'s can be left out]:TASK: ' '*--calls=[make about N calls at most; all goes on to the end (default\: 10, fewer where what blocks is found)]:N|all: ' '*-o[table, json, csv; json prints an array of tasks (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of tasks (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                downstream) _arguments $common '*:ID: ' '*--task=[of this task, by its name or ID; with its ID the instance'"'"'s can be left out]:TASK: ' '*--calls=[make about N calls at most; all goes on to the end (default\: 10)]:N|all: ' '*-o[table, json, csv; json prints an array of tasks (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of tasks (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                report) _arguments $common '*:ID|WORD: ' '*-o[markdown, html, json; json prints an array (default\: markdown)]:FORM:(markdown html json)' '*--output=[markdown, html, json; json prints an array (default\: markdown)]:FORM:(markdown html json)' '(--json)--json[the same as -o json]' '*--out=[write it to this file, which only you can read; its suffix .html, .json or .md is the form; - for standard output]:FILE:_files' ;;
                list) _arguments $common '1:ACTION|WORD:(add remove note export import)' '*:ID|TEXT|FILE:_files' '*-o[table, json, csv; json prints an array of rows (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of rows (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                follow) _arguments $common '1:WORD:(list remove)' '*--project=[the workspace]:ID: ' '*--workspace=[the workspace]:ID: ' '*--name=[a part of the name]:TEXT: ' '*--status=[Failure, Running, Checking, WaitTime, CheckingCondition, WaitResource, NotRun, Success]:STATUS:(Failure Running Checking WaitTime CheckingCondition WaitResource NotRun Success)' '*--type=[Normal, Manual, SmokeTest, SupplementData, ManualWorkflow, TriggerWorkflow]:TYPE:(Normal Manual SmokeTest SupplementData ManualWorkflow TriggerWorkflow)' '*--owner=[the owner'"'"'s account ID]:ID: ' '*--tag=[a tag, or its key alone; of several one is enough]:K\:V: ' '*--workflow=[the workflow]:ID: ' '*--trigger=[what started them\: a UnifiedWorkflowInstanceId]:ID: ' '*--env=[Prod, Dev]:ENV:(Prod Dev)' '*--keep=[how long a success stays on the list (default\: 3)]:DAYS: ' '*--by=[the runs are to be done by this time on the day after the business date; none takes it away]:HH\:MM: ' '*-o[table, json, csv; json prints an array of what is followed (default\: table)]:FORM:(table json csv)' '*--output=[table, json, csv; json prints an array of what is followed (default\: table)]:FORM:(table json csv)' '(--json)--json[the same as -o json]' ;;
                simulate) _arguments $common '*--port=[port on 127.0.0.1 (default\: a free one)]:N: ' '*--speed=[how many times faster than real ones its instances run (default\: 1)]:X: ' ;;
                doctor) _arguments $common '*-o[table, json; json prints an array of check, level and text (default\: table)]:FORM:(table json)' '*--output=[table, json; json prints an array of check, level and text (default\: table)]:FORM:(table json)' '(--json)--json[the same as -o json]' '(--try)--try[send a bell, a desktop notification and the command, each if it is set]' ;;
                info) _arguments $common '*-o[table, json; json prints an array of name, value and source (default\: table)]:FORM:(table json)' '*--output=[table, json; json prints an array of name, value and source (default\: table)]:FORM:(table json)' '(--json)--json[the same as -o json]' ;;
                help) _arguments $common '1:TOPIC:(keys search config notify credentials costs exit-codes ssh doctor scripts systemd)' ;;
                completion) _arguments $common '1:SHELL:(bash zsh fish)' ;;
                *) _arguments $common ;;
            esac ;;
    esac
}
if [[ $funcstack[1] == _wfinspect ]]; then _wfinspect "$@"; else compdef _wfinspect wfinspect; fi
