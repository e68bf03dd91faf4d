# Completion of wfinspect for bash.
_wfinspect() {
    local line=${COMP_LINE:0:COMP_POINT} command='' before='' option='' words='' word
    # Not COMP_WORDS: bash splits words at = and :, too. "$2" is what it will replace.
    local current=${line##*[[:space:]]}
    # A word with blanks, quoted: it can only be a file's name.
    [[ $current == *"$2" ]] || { compopt -o default 2>/dev/null; return; }
    local -a given
    read -ra given <<<"${line%"$current"}"
    for word in "${given[@]:1}"; do
        case $before in
            -o|--output|--field|--project|--workspace|--name|--status|--type|--owner|--tag|--workflow|--trigger|--env|--bizdate|--date|--until|--file|--timeout|--task|--run|-n|--tail|--grep|--since|--calls|--out|--keep|--by|--port|--speed|--profile|--region|--endpoint|--interval|--budget|--config|--state-dir|--time-zone|--theme|--color|--log-level) ;;
            *) [[ $word == -* || -n $command ]] || command=$word ;;
        esac
        before=$word
    done
    local kept=${current%"$2"}
    if [[ $current == --*=* ]]; then
        option=${current%%=*}=
        before=${current%%=*} current=${current#*=}
    fi
    COMPREPLY=()
    case $command/$before in
        watch/--project|watch/--workspace|watch/--name|watch/--owner|watch/--tag|watch/--workflow|watch/--trigger|watch/--timeout|find/--project|find/--workspace|find/--name|find/--owner|find/--tag|find/--workflow|find/--trigger|logs/--task|logs/--run|logs/-n|logs/--tail|logs/--grep|history/--since|upstream/--task|upstream/--calls|downstream/--task|downstream/--calls|follow/--project|follow/--workspace|follow/--name|follow/--owner|follow/--tag|follow/--workflow|follow/--trigger|follow/--keep|follow/--by|simulate/--port|simulate/--speed|*/--profile|*/--interval|*/--budget|*/--time-zone) return ;;
        get/-o|get/--output|watch/-o|watch/--output|find/-o|find/--output|tasks/-o|tasks/--output|history/-o|history/--output|compare/-o|compare/--output|upstream/-o|upstream/--output|downstream/-o|downstream/--output|list/-o|list/--output|follow/-o|follow/--output) words='table json csv' ;;
        get/--field|find/--field) words='Id Name Status Type EnvType WorkflowId WorkflowTaskInstanceId UnifiedWorkflowInstanceId ProjectId BizDate StartedTime FinishedTime CreateTime ModifyTime Owner CreateUser ModifyUser WorkflowParameters Tags' ;;
        status/-o|status/--output) words='table json csv prometheus' ;;
        status/--field) words='id name status since read_at live unseen gone late due_at note follow profile region endpoint version trouble' ;;
        watch/--status|find/--status|follow/--status) words='Failure Running Checking WaitTime CheckingCondition WaitResource NotRun Success' ;;
        watch/--type|find/--type|follow/--type) words='Normal Manual SmokeTest SupplementData ManualWorkflow TriggerWorkflow' ;;
        watch/--env|find/--env|follow/--env) words='Prod Dev' ;;
        watch/--bizdate|watch/--date|find/--bizdate|find/--date) words='today yesterday' ;;
        watch/--until) words='all:done all:success all:failure any:done any:success any:failure' ;;
        watch/--file|report/--out|*/--config|list/import) compopt -o default 2>/dev/null; return ;;
        watch/--field) words='id name from to at seen_between final' ;;
        tasks/--status) words='NotRun Running WaitTime CheckingCondition WaitResource WaitTrigger Failure Success Checking frozen dry-run' ;;
        tasks/--field) words='Id TaskId TaskName TaskType Status RunNumber StartedTime FinishedTime TriggerTime WaitingTriggerTime WaitingResourceTime CreateTime ModifyTime BaselineId Priority PeriodNumber Timeout Owner CreateUser ModifyUser Description OperationType RerunMode TriggerType TriggerRecurrence ProcessId Gateway ResourceGroupId ScriptParameters' ;;
        history/--field) words='id name from to at seen_between final failed' ;;
        compare/--field) words='part name first second differs first_seconds second_seconds first_id second_id' ;;
        upstream/--field|downstream/--field) words='id name status blocks since level dependency through workflow instance workspace owner' ;;
        report/-o|report/--output) words='markdown html json' ;;
        list/--field) words='id name status since read_at live unseen gone late due_at note follow profile region endpoint version' ;;
        follow/--field) words='number query profile region endpoint added_at keep_days by by_zone name version filters' ;;
        doctor/-o|doctor/--output|info/-o|info/--output) words='table json' ;;
        */--region) words='cn-hangzhou cn-shanghai cn-shenzhen cn-beijing cn-zhangjiakou cn-wulanchabu cn-chengdu cn-qingdao cn-huhehaote cn-hangzhou-finance cn-shanghai-finance-1 cn-shenzhen-finance-1 cn-beijing-finance-1 cn-north-2-gov-1 cn-hongkong ap-southeast-1 ap-southeast-3 ap-southeast-5 ap-southeast-7 ap-northeast-1 ap-northeast-2 us-west-1 us-east-1 eu-central-1 eu-west-1 me-east-1 me-central-1' ;;
        */--endpoint) words='public vpc' ;;
        */--state-dir) compopt -o dirnames 2>/dev/null; return ;;
        */--theme) words='auto dark light ansi colorblind contrast' ;;
        */--color) words='auto always never' ;;
        */--log-level) words='debug info warning error' ;;
        *)
            case $command/$current in
                demo/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help' ;;
                get/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --output --json --csv --field' ;;
                status/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --short --follow --output --json --csv --field' ;;
                watch/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --project --workspace --name --status --type --owner --tag --workflow --trigger --env --bizdate --date --until --file --output --json --csv --field --timeout --fail-fast --notify --forever' ;;
                find/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --project --workspace --name --status --type --owner --tag --workflow --trigger --env --bizdate --date --output --json --csv --field' ;;
                tasks/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --status --output --json --csv --field' ;;
                logs/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --task --failed --run --tail --grep --follow' ;;
                history/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --since --output --json --csv --field' ;;
                compare/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --output --json --csv --field' ;;
                upstream/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --task --calls --output --json --csv --field' ;;
                downstream/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --task --calls --output --json --csv --field' ;;
                report/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --output --json --out' ;;
                list/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --output --json --csv --field' ;;
                follow/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --project --workspace --name --status --type --owner --tag --workflow --trigger --env --keep --by --output --json --csv --field' ;;
                simulate/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --port --speed' ;;
                doctor/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --output --json --try' ;;
                info/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help --output --json' ;;
                help/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help' ;;
                completion/-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help' ;;
                */-*) words='--profile --region --endpoint --interval --budget --config --state-dir --time-zone --mouse --no-mouse --low-bandwidth --no-low-bandwidth --ascii --no-ascii --theme --color --log-level --version --help' ;;
                /*) words='demo get status watch find tasks logs history compare upstream downstream report list follow simulate doctor info help completion' ;;
                list/*) words='add remove note export import' ;;
                follow/*) words='list remove' ;;
                help/*) words='keys search config notify credentials costs exit-codes ssh doctor scripts systemd' ;;
                completion/*) words='bash zsh fish' ;;
            esac ;;
    esac
    while read -r word; do
        COMPREPLY+=("${word#"$kept"}")
    done < <(compgen -P "$option" -W "$words" -- "$current")
}
complete -F _wfinspect wfinspect
