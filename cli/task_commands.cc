#include "cli/command_tree.h"

// The commands about jobs.

namespace souvenir::cli {
namespace {

using Command = Outcome (*)(const TasksOptions&, const Settings&, Console&);

// Adds a command that takes a job, and does `command`.
CLI::App* AddForJob(CLI::App* tasks, const std::string& name, const std::string& summary,
                    Command command, CommandTree* tree, Console* console) {
  CLI::App* added = tasks->add_subcommand(name, summary);
  added->add_option("JOB", tree->tasks.job, "Its id, as `souvenir run` printed it")
      ->type_name("")
      ->required();
  added->callback([tree, console, command] {
    tree->command = [tree, console, command] {
      return command(tree->tasks, tree->settings, *console);
    };
  });
  return added;
}

void AddForQueue(CLI::App* tasks, const std::string& name, const std::string& summary,
                 Command command, CommandTree* tree, Console* console) {
  CLI::App* added = tasks->add_subcommand(name, summary);
  added->add_option("QUEUE", tree->tasks.queue, "Its name")->type_name("")->required();
  added->callback([tree, console, command] {
    tree->command = [tree, console, command] {
      return command(tree->tasks, tree->settings, *console);
    };
  });
}

}  // namespace

void AddTaskCommands(CommandTree* tree, Console* console) {
  CLI::App* run = tree->app.add_subcommand("run", "Run a plan: a graph of calls of models");
  run->add_option("PLAN", tree->run.plan, "A file of JSON; -: standard input")
      ->type_name("FILE")
      ->required();
  run->add_flag("-d,--detach", tree->run.detach, "Print the job's id, and do not wait for its end");
  run->callback([tree, console] {
    tree->command = [tree, console] { return Run(tree->run, tree->settings, *console); };
  });

  CLI::App* tasks = tree->app.add_subcommand("tasks", "Look after jobs, and the queues they use");
  tasks->require_subcommand(1);
  CLI::App* list = tasks->add_subcommand("list", "List the jobs, the newest first");
  list->callback([tree, console] {
    tree->command = [tree, console] { return TasksList(tree->settings, *console); };
  });
  AddForJob(tasks, "show", "Show a job with its steps", TasksShow, tree, console);
  AddForJob(tasks, "watch", "Follow a job until it has ended", TasksWatch, tree, console);
  AddForJob(tasks, "cancel", "End a job, and what runs of it", TasksCancel, tree, console);
  CLI::App* result =
      AddForJob(tasks, "result", "Print the outputs of a step", TasksResult, tree, console);
  result->add_option("STEP", tree->tasks.step, "Its id; without it, the job's result")
      ->type_name("");
  result->add_flag("-q,--quiet", tree->tasks.quiet, "Print nothing but the elements");
  AddForJob(tasks, "retry", "Run again what has not succeeded of a job that has ended", TasksRetry,
            tree, console);
  CLI::App* requeue =
      AddForJob(tasks, "requeue", "Run dead letters of a job again", TasksRequeue, tree, console);
  requeue->add_option("STEP", tree->tasks.steps, "Their ids; without them, all")->type_name("");

  CLI::App* dead = tasks->add_subcommand("dead", "List dead letters: steps that failed for good");
  dead->add_option("--job", tree->tasks.job, "Only of this job")->type_name("JOB");
  dead->add_option("--queue", tree->tasks.queue, "Only of this queue")->type_name("QUEUE");
  dead->callback([tree, console] {
    tree->command = [tree, console] { return TasksDead(tree->tasks, tree->settings, *console); };
  });

  CLI::App* queues = tasks->add_subcommand("queues", "List the queues");
  queues->callback([tree, console] {
    tree->command = [tree, console] { return TasksQueues(tree->settings, *console); };
  });
  AddForQueue(tasks, "pause", "Start no step of a queue, by way of the admin port", TasksPause,
              tree, console);
  AddForQueue(tasks, "resume", "Start steps of a queue again, by way of the admin port",
              TasksResume, tree, console);
}

}  // namespace souvenir::cli
