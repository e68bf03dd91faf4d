"""Workflows and workspaces as GetWorkflow and GetProject tell them. Pure; knows no run."""

from wfinspect.simulator.catalogue import BIG_LOG_ID, PROJECT_NAMES, Workflow
from wfinspect.simulator.fleet import Record
from wfinspect.simulator.graph import Task, tasks_of

RESOURCE_GROUP = "S_res_group_1823556600124410_1721000000000"
TASKS_APART = 1000
"""IDs of tasks count from their workflow's or instance's ID times this."""

BIG_LOG_TASK_ID = BIG_LOG_ID * TASKS_APART + 1
"""The task whose log is of 32 MiB."""

_AGE = 200 * 86_400_000
_SOURCES = {"ODPS_SQL": "odps_first", "HOLOGRES_SQL": "holo_serving", "DI": "rds_orders"}


def common_of(task: Task, workflow_owner: str) -> Record:
    """What a task's definition and all its instances share."""
    source = _SOURCES.get(task.type)
    record: Record = {
        "Owner": workflow_owner,
        "CreateUser": workflow_owner,
        "ModifyUser": workflow_owner,
        "Description": "",
        "BaselineId": -1,
        "Priority": (1, 1, 3, 1, 5, 8)[task.number % 6],
        "RerunMode": ("AllAllowed", "FailureAllowed", "AllDenied")[task.number % 3],
        "Timeout": (0, 3600, 7200)[task.number % 3],
        "TriggerRecurrence": "Normal",
        "RuntimeResource": {
            "Cu": "0.25",
            "Image": "dataworks_pyodps_task_pod:prod_202604" if task.type == "PYODPS3" else "",
            "ResourceGroupId": RESOURCE_GROUP,
        },
    }
    return record | ({"DataSource": {"Name": source}} if source else {})


def trigger_type(workflow_type: str) -> str:
    """Who starts a workflow's runs."""
    return "Scheduler" if workflow_type in {"Normal", "SupplementData"} else "Manual"


def workflow_of(workflow: Workflow, env_type: str, seed: int, epoch: int) -> Record:
    """A workflow's definition, older than the fleet's epoch (milliseconds)."""
    shared: Record = {
        "EnvType": env_type,
        "ProjectId": workflow.project_id,
        "CreateTime": epoch - _AGE,
        "ModifyTime": epoch - _AGE // 4,
        "CreateUser": workflow.owner,
        "ModifyUser": workflow.owner,
    }
    tasks = [
        common_of(task, workflow.owner)
        | shared
        | {
            "Id": workflow.id * TASKS_APART + task.number,
            "Name": task.name,
            "Type": task.type,
            "WorkflowId": workflow.id,
            "ClientUniqueCode": f"{workflow.name}.{task.name}",
            "RerunInterval": 120_000,
            "RerunTimes": 1,
        }
        for task in tasks_of(seed, workflow.id)
    ]
    return shared | {
        "Id": workflow.id,
        "Name": workflow.name,
        "Description": "",
        "Owner": workflow.owner,
        "ClientUniqueCode": workflow.name,
        "Parameters": workflow.parameters.replace("%D", "$bizdate"),
        "Tags": [{"Key": key, "Value": value} for key, value in workflow.tags],
        "Outputs": {"TaskOutputs": [{"Output": f"{workflow.project_id}.{workflow.name}_out"}]},
        "Dependencies": [{"Type": "CrossCycleDependsOnSelf"}],
        "Trigger": {
            "Type": trigger_type(workflow.type),
            "Cron": "00 10 02 * * ?",
            "Recurrence": "Normal",
            "StartTime": "1970-01-01 00:00:00",
            "EndTime": "9999-01-01 00:00:00",
        },
        "Tasks": tasks,
    }


def project_of(project_id: int) -> Record:
    """A workspace."""
    name = PROJECT_NAMES.get(project_id, f"load_{project_id}")
    return {
        "Id": project_id,
        "Name": name,
        "DisplayName": name.replace("_", " "),
        "Description": "",
        "Owner": "1823556600124410",
        "Status": "Available",
        "DevEnvironmentEnabled": True,
        "DevRoleDisabled": False,
        "PaiTaskEnabled": False,
        "AliyunResourceGroupId": "rg-acfmzbn7pti3zfa",
        "AliyunResourceTags": [],
    }
